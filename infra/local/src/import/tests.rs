use super::*;

fn data<'a>(events: &'a [Value], field: &str) -> Vec<&'a Value> {
    events.iter().map(|event| &event["data"][field]).collect()
}

/// Four lines of one message while it streams, a subagent's message, a message of a resumed session, and lines that are
/// not calls.
const CLAUDE_CODE: &str = r#"
{"type":"summary","summary":"Fix the tests","leafUuid":"x"}
{"parentUuid":null,"isSidechain":false,"userType":"external","cwd":"/home/ada/shop","sessionId":"s-1","version":"2.1.4","type":"user","message":{"role":"user","content":"secret prompt"},"uuid":"u1","timestamp":"2026-09-10T08:00:00.000Z"}
{"isSidechain":false,"cwd":"/home/ada/shop","sessionId":"s-1","type":"assistant","requestId":"req_1","timestamp":"2026-09-10T08:00:05.000Z","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"thinking","thinking":"secret"}],"usage":{"input_tokens":4,"cache_creation_input_tokens":9000,"cache_read_input_tokens":12000,"cache_creation":{"ephemeral_5m_input_tokens":8000,"ephemeral_1h_input_tokens":1000},"output_tokens":1,"service_tier":"standard"}}}
{"isSidechain":false,"cwd":"/home/ada/shop","sessionId":"s-1","type":"assistant","requestId":"req_1","timestamp":"2026-09-10T08:00:07.000Z","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"secret"}],"usage":{"input_tokens":4,"cache_creation_input_tokens":9000,"cache_read_input_tokens":12000,"cache_creation":{"ephemeral_5m_input_tokens":8000,"ephemeral_1h_input_tokens":1000},"output_tokens":420,"service_tier":"standard","server_tool_use":{"web_search_requests":2}}}}
{"isSidechain":true,"cwd":"C:\\Users\\ada\\shop","sessionId":"s-1","type":"assistant","timestamp":"2026-09-10T08:01:00.000Z","message":{"id":"msg_2","type":"message","model":"claude-haiku-4-5","content":[],"usage":{"input_tokens":10,"output_tokens":5,"cache_creation_input_tokens":70}}}
{"type":"assistant","timestamp":"2026-09-10T08:02:00.000Z","message":{"id":"m","model":"<synthetic>","usage":{"input_tokens":0,"output_tokens":0}}}
{"type":"assistant","timestamp":"2026-09-10T08:0
"#;

#[test]
fn a_message_of_claude_code_counts_once_with_all_of_its_output() {
    let read = claude_code::Messages::default().read(CLAUDE_CODE);
    assert_eq!((read.events.len(), read.malformed), (2, 1));
    let first = &read.events[0];
    assert_eq!((&first["id"], &first["time"]), (&json!("req_1"), &json!("2026-09-10T08:00:05.000Z")));
    let expected = json!({
        "agent_id": "claude-code", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929",
        "input_tokens": 4, "output_tokens": 420, "cache_read_tokens": 12000, "cache_write_5m_tokens": 8000,
        "cache_write_1h_tokens": 1000, "revision": 420, "units": { "web_search": 2 }, "service_tier": "standard",
        "session_id": "s-1", "tags": { "project": "shop" },
    });
    assert_eq!(first["data"], expected);
    assert_eq!(data(&read.events, "cache_write_5m_tokens")[1], 70);
    assert_eq!(data(&read.events, "parent_agent_id")[1], "claude-code");
    assert_eq!(data(&read.events, "tags")[1]["project"], "shop");
    assert!(!json!(read.events).to_string().contains("secret"));
}

const CODEX: &str = r#"
{"timestamp":"2026-09-11T09:00:00.000Z","type":"session_meta","payload":{"id":"0199-a","timestamp":"2026-09-11T09:00:00.000Z","cwd":"/home/ada/api","originator":"codex_cli_rs","cli_version":"0.98.0","model_provider":"openai","instructions":"secret"}}
{"timestamp":"2026-09-11T09:00:01.000Z","type":"turn_context","payload":{"cwd":"/home/ada/api","approval_policy":"on-request","model":"gpt-5-codex","effort":"high"}}
{"timestamp":"2026-09-11T09:00:02.000Z","type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":{}}}
{"timestamp":"2026-09-11T09:00:05.000Z","type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"secret"}]}}
{"timestamp":"2026-09-11T09:00:05.100Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":5000,"cached_input_tokens":3000,"output_tokens":300,"reasoning_output_tokens":100,"total_tokens":5300},"last_token_usage":{"input_tokens":5000,"cached_input_tokens":3000,"output_tokens":300,"reasoning_output_tokens":100,"total_tokens":5300},"model_context_window":272000},"rate_limits":{}}}
{"timestamp":"2026-09-11T09:00:05.200Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":5000,"cached_input_tokens":3000,"output_tokens":300,"reasoning_output_tokens":100,"total_tokens":5300},"last_token_usage":{"input_tokens":5000,"cached_input_tokens":3000,"output_tokens":300,"reasoning_output_tokens":100,"total_tokens":5300},"model_context_window":272000},"rate_limits":{"primary":{"used_percent":9}}}}
{"timestamp":"2026-09-11T09:01:00.000Z","type":"turn_context","payload":{"model":"gpt-5"}}
{"timestamp":"2026-09-11T09:01:05.000Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":11000,"cached_input_tokens":8000,"output_tokens":350,"reasoning_output_tokens":100,"total_tokens":11350}}}}
"#;

#[test]
fn repeated_token_counts_of_codex_are_one_call_and_totals_become_differences() {
    let read = codex::Sessions::default().read(CODEX);
    let ids: Vec<_> = read.events.iter().map(|event| event["id"].clone()).collect();
    assert_eq!((ids, read.malformed), (vec![json!("0199-a/1"), json!("0199-a/2")], 0));
    assert_eq!(data(&read.events, "model"), ["gpt-5-codex", "gpt-5"]);
    assert_eq!(data(&read.events, "input_tokens"), [2000, 1000]);
    assert_eq!(data(&read.events, "cache_read_tokens"), [3000, 5000]);
    assert_eq!(data(&read.events, "output_tokens"), [300, 50]);
    assert_eq!(data(&read.events, "reasoning_tokens"), [100, 0]);
    assert_eq!(data(&read.events, "tags")[1]["project"], "api");
    assert!(!json!(read.events).to_string().contains("secret"));
}

/// A file of Codex with these calls: for each its time and the input and output of all calls so far.
fn codex_file(meta: &Value, calls: &[(&str, u64, u64)]) -> String {
    let mut lines = vec![
        json!({ "timestamp": meta["timestamp"], "type": "session_meta", "payload": meta }),
        json!({ "timestamp": meta["timestamp"], "type": "turn_context", "payload": { "model": "gpt-5-codex" } }),
    ];
    let (mut input, mut output) = (0, 0);
    for (time, total_input, total_output) in calls {
        let last = json!({ "input_tokens": total_input - input, "output_tokens": total_output - output });
        let total = json!({ "input_tokens": total_input, "output_tokens": total_output });
        (input, output) = (*total_input, *total_output);
        let info = json!({ "total_token_usage": total, "last_token_usage": last });
        let payload = json!({ "type": "token_count", "info": info });
        lines.push(json!({ "timestamp": time, "type": "event_msg", "payload": payload }));
    }
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// The ids and inputs of the calls of files that are read one after the other.
fn codex_calls(files: &[String]) -> Vec<(String, u64)> {
    let mut sessions = codex::Sessions::default();
    let events = files.iter().flat_map(|file| sessions.read(file).events);
    let call = |event: Value| {
        (event["id"].as_str().unwrap().to_owned(), event["data"]["input_tokens"].as_u64().unwrap())
    };
    events.map(call).collect()
}

const PARENT: [(&str, u64, u64); 2] =
    [("2026-11-27T10:00:05.000Z", 1000, 100), ("2026-11-27T10:00:20.000Z", 3000, 300)];

#[test]
fn a_fork_of_codex_counts_its_own_calls_alone() {
    let parent = codex_file(&json!({ "id": "p", "timestamp": "2026-11-27T10:00:00.000Z" }), &PARENT);
    let own = [("2026-11-27T10:10:30.000Z", 7000, 700), ("2026-11-27T10:11:00.000Z", 8000, 800)];
    let re_dated: Vec<_> =
        PARENT.iter().map(|(_, input, output)| ("2026-11-27T10:10:00.001Z", *input, *output)).collect();
    let by = |field: Value| {
        let mut meta = json!({ "id": "f", "timestamp": "2026-11-27T10:10:00.000Z" });
        meta.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        meta
    };
    let subagent = json!({ "subagent": { "thread_spawn": { "parent_thread_id": "p", "depth": 1 } } });
    let call = |id: &str, input: u64| (id.to_owned(), input);
    let of_fork = [call("f/3", 4000), call("f/4", 1000)];
    let all = [&[call("p/1", 1000), call("p/2", 2000)][..], &of_fork].concat();
    for meta in [by(json!({ "forked_from_id": "p" })), by(json!({ "source": subagent }))] {
        for copied in [&PARENT[..], &re_dated] {
            let fork = codex_file(&meta, &[copied, &own].concat());
            assert_eq!(codex_calls(&[parent.clone(), fork.clone()]), all, "{meta}");
            // The parent may have been deleted.
            assert_eq!(codex_calls(&[fork]), of_fork, "{meta}");
        }
    }
    let mut stranger = by(json!({ "source": "cli" }));
    stranger["id"] = json!("s");
    let stranger = codex_file(&stranger, &[&PARENT[..], &own].concat());
    assert_eq!(codex_calls(&[parent, stranger]).len(), 6);
}

#[test]
fn a_fork_of_codex_without_a_copy_counts_from_its_start() {
    let parent = codex_file(&json!({ "id": "p", "timestamp": "2026-11-27T10:00:00.000Z" }), &PARENT);
    let meta = json!({ "id": "f", "timestamp": "2026-11-27T10:10:00.000Z", "forked_from_id": "p" });
    // Once its own calls have begun, a total of the parent is no copy.
    let fork =
        codex_file(&meta, &[("2026-11-27T10:10:09.000Z", 500, 50), ("2026-11-27T10:10:19.000Z", 3000, 300)]);
    let ids: Vec<_> = codex_calls(&[parent, fork]).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["p/1", "p/2", "f/1", "f/2"]);
}

#[test]
fn a_resumed_session_of_claude_code_does_not_repeat_its_messages() {
    let mut messages = claude_code::Messages::default();
    let first = messages.read(CLAUDE_CODE);
    let resumed = CLAUDE_CODE.replace("\"sessionId\":\"s-1\"", "\"sessionId\":\"s-2\"");
    let new = resumed.replace("req_1", "req_2").replace("msg_2", "msg_3");
    assert_eq!((first.events.len(), messages.read(&resumed).events.len()), (2, 0));
    assert_eq!(messages.read(&new).events.len(), 2);
    // The file before ended while the message was streaming.
    let complete = resumed.replace("\"output_tokens\":420", "\"output_tokens\":421");
    assert_eq!(data(&messages.read(&complete).events, "output_tokens"), [421]);
}

#[test]
fn thoughts_and_the_prompt_of_tools_come_on_top_in_gemini_cli() {
    let session = r#"{"sessionId":"g-1","projectHash":"h","startTime":"2026-09-12T10:00:00.000Z","lastUpdated":"x",
        "messages":[{"id":"a","timestamp":"2026-09-12T10:00:00.000Z","type":"user","content":"secret"},
        {"id":"b","timestamp":"2026-09-12T10:00:09.000Z","type":"gemini","content":"secret","thoughts":[{"subject":"secret"}],
         "tokens":{"input":900,"output":40,"cached":600,"thoughts":60,"tool":7,"total":1007},"model":"gemini-2.5-pro"}]}"#;
    let read = gemini::read(session).unwrap();
    let expected = json!({
        "agent_id": "gemini-cli", "provider": "google", "model": "gemini-2.5-pro", "input_tokens": 307,
        "cache_read_tokens": 600, "output_tokens": 100, "reasoning_tokens": 60, "session_id": "g-1",
    });
    assert_eq!((&read.events[0]["id"], &read.events[0]["data"]), (&json!("g-1/b"), &expected));
    assert!(gemini::read("[]").is_err());
}

#[test]
fn spend_logs_become_payloads_of_litellms_callback() {
    let row = json!({
        "request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "88dc", "spend": 0.00042, "total_tokens": 120,
        "prompt_tokens": 100, "completion_tokens": 20, "startTime": "2026-09-13T11:00:00.250000Z",
        "endTime": "2026-09-13 11:00:02.5", "model": "gpt-4.1-mini", "custom_llm_provider": "openai", "cache_hit": "False",
        "request_tags": "[\"team:growth\"]", "end_user": "ada", "session_id": "s",
        "metadata": "{\"status\":\"failure\",\"user_api_key_alias\":\"nova\",\"additional_usage_values\":{\"cache_read_input_tokens\":3}}",
        "messages": "secret", "response": "secret",
    });
    for text in [json!([row]).to_string(), format!("{row}\nnot json\n")] {
        let read = litellm::read(&text).unwrap();
        assert_eq!(read.malformed, usize::from(!text.starts_with('[')));
        let payload = &read.events[0];
        assert_eq!(payload["startTime"].as_f64(), Some(1_789_297_200.25));
        assert_eq!(payload["endTime"].as_f64(), Some(1_789_297_202.5));
        assert_eq!((&payload["status"], &payload["cache_hit"]), (&json!("failure"), &json!(false)));
        assert_eq!(payload["metadata"]["usage_object"]["cache_read_input_tokens"], 3);
        assert_eq!(payload["request_tags"], json!(["team:growth"]));
        // A row without the id of its call has that of the response, which is the callback's second choice as well.
        assert_eq!((&payload["litellm_call_id"], &payload["id"]), (&Value::Null, &json!("chatcmpl-1")));
        assert!(!payload.to_string().contains("secret"));
    }
}

#[test]
fn spend_logs_keep_the_identity_and_the_price_of_the_callback() {
    let metadata = json!({ "status": "success", "litellm_call_id": "c-1", "batch_models": ["gpt-4o"],
        "cost_breakdown": { "service_tier": "flex" }, "model_map_information": { "model_map_key": "gpt-4o" } });
    let row = json!({
        "request_id": "chatcmpl-1", "call_type": "aretrieve_batch", "spend": 0.00175, "total_tokens": 1100,
        "prompt_tokens": 1000, "completion_tokens": 100, "startTime": "2026-11-27T10:00:00.000Z",
        "endTime": "2026-11-27T10:00:01.000Z", "model": "gpt-4o", "custom_llm_provider": "openai",
        "api_base": "https://eu.api.openai.com/v1", "metadata": metadata.to_string(),
    });
    let payload = &litellm::read(&row.to_string()).unwrap().events[0];
    assert_eq!((&payload["litellm_call_id"], &payload["id"]), (&json!("c-1"), &json!("chatcmpl-1")));
    assert_eq!((&payload["call_type"], &payload["total_tokens"]), (&json!("aretrieve_batch"), &json!(1100)));
    assert_eq!(payload["hidden_params"]["batch_models"], json!(["gpt-4o"]));
    assert_eq!(payload["cost_breakdown"]["service_tier"], "flex");
    assert_eq!(payload["model_map_information"]["model_map_key"], "gpt-4o");
    assert_eq!(payload["api_base"], "https://eu.api.openai.com/v1");
}

#[test]
fn buckets_of_openais_usage_are_spread_over_their_requests() {
    let page = json!({ "object": "page", "data": [{
        "object": "bucket", "start_time": 1_789_257_600, "end_time": 1_789_344_000,
        "results": [
            { "input_tokens": 1000, "output_tokens": 11, "input_cached_tokens": 400, "num_model_requests": 3,
              "project_id": "proj_1", "model": "gpt-4.1-mini", "batch": true },
            { "input_tokens": 5, "output_tokens": 1, "num_model_requests": 1, "model": null },
        ] }] });
    let read = openai::read(&page.to_string()).unwrap();
    assert_eq!((read.events.len(), read.malformed), (3, 1));
    let sum = |field: &str| -> u64 { data(&read.events, field).iter().map(|n| n.as_u64().unwrap()).sum() };
    assert_eq!([sum("input_tokens"), sum("cache_read_tokens"), sum("output_tokens")], [600, 400, 11]);
    assert_eq!(data(&read.events, "service_tier"), ["batch"; 3]);
    assert_eq!(read.events[2]["id"], "1789257600-1789344000/gpt-4.1-mini/proj_1///batch/2");
    assert_eq!(read.events[0]["time"], "2026-09-13T00:00:00+00:00");
}

#[test]
fn requests_of_openais_search_models_are_billed_a_search_each() {
    let usage = |model: &str, requests: u64| json!({ "input_tokens": 4000, "output_tokens": 400, "num_model_requests": requests, "model": model });
    let page = json!({ "object": "page", "data": [{
        "object": "bucket", "start_time": 1_789_257_600, "end_time": 1_789_344_000,
        "results": [usage("gpt-4o-search-preview-2025-03-11", 2_500), usage("gpt-4o", 1)] }] });
    let read = openai::read(&page.to_string()).unwrap();
    let searches: Vec<_> =
        data(&read.events, "units").iter().map(|units| units["web_search"].as_u64()).collect();
    assert_eq!((searches.len(), searches[0], searches[999], searches[1000]), (1001, Some(3), Some(2), None));
    assert_eq!(searches.iter().flatten().sum::<u64>(), 2_500);
}
