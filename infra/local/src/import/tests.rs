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
    let read = claude_code::read(CLAUDE_CODE);
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
    let read = codex::read(CODEX);
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
        assert!(!payload.to_string().contains("secret"));
    }
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
