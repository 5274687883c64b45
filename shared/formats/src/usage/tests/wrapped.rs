use super::*;

fn tokens(data: &Value) -> [u64; 4] {
    ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens"]
        .map(|name| data[name].as_u64().unwrap_or_default())
}

fn with_id() -> Labels {
    Labels { id: Some("call-1".to_owned()), model: Some("m".to_owned()), ..labels() }
}

/// The stream of Anthropic's documentation with a web search, whose last counts include those of its start.
fn stream() -> Vec<Value> {
    vec![
        json!({ "type": "message_start", "message": { "id": "msg_01G", "type": "message", "role": "assistant",
            "model": "claude-sonnet-4-6", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {
                "input_tokens": 2679, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 3,
                "service_tier": "standard" } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "PLANTED" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "input_tokens": 10682,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": null, "output_tokens": 510,
            "server_tool_use": { "web_search_requests": 1 } } }),
        json!({ "type": "message_stop" }),
    ]
}

#[test]
fn events_of_anthropics_streams_are_one_message() {
    let translation = translated(Format::Anthropic, &json!(stream()), &labels());
    let events = events(&translation);
    let data = &events[0]["data"];
    assert_eq!(
        (events.len(), &events[0]["id"], &data["model"]),
        (1, &json!("msg_01G"), &json!("claude-sonnet-4-6"))
    );
    assert_eq!((tokens(data), &data["units"]), ([10682, 0, 0, 510], &json!({ "web_search": 1 })));
    assert!(!translation.events[0].json.get().contains("PLANTED"));
}

#[test]
fn a_final_count_below_that_of_the_start_does_not_lower_it() {
    let mut events_of_stream = stream();
    events_of_stream[0]["message"]["usage"]["cache_read_input_tokens"] = json!(5000);
    // As Anthropic's own older streams and gateways have it.
    events_of_stream[5]["usage"] = json!({ "input_tokens": 0, "output_tokens": 510 });
    let data = events(&translated(Format::Anthropic, &json!(events_of_stream), &labels()))[0]["data"].take();
    assert_eq!(tokens(&data), [2679, 5000, 0, 510]);
}

#[test]
fn streams_and_messages_may_stand_in_one_list() {
    let mut second = stream();
    second[0]["message"]["id"] = json!("msg_2");
    second.pop();
    let message = json!({ "id": "msg_3", "type": "message", "model": "m", "usage": { "input_tokens": 7 } });
    let list = [stream(), vec![message], second].concat();
    let events = events(&translated(Format::Anthropic, &json!(list), &labels()));
    let found: Vec<_> = events.iter().map(|event| (event["id"].clone(), tokens(&event["data"])[0])).collect();
    assert_eq!(found, [(json!("msg_01G"), 10682), (json!("msg_3"), 7), (json!("msg_2"), 10682)]);
    let alone = translated(Format::Anthropic, &stream()[5], &with_id());
    assert_eq!(tokens(&self::events(&alone)[0]["data"]), [10682, 0, 0, 510]);
}

/// What Bedrock adds to the last event of `InvokeModelWithResponseStream`.
#[test]
fn invocation_metrics_of_bedrock_are_a_usage() {
    let body = json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": { "inputTokenCount": 25,
        "outputTokenCount": 150, "invocationLatency": 1200, "firstByteLatency": 300, "cacheReadInputTokenCount": 2048,
        "cacheWriteInputTokenCount": 768 } });
    let data = events(&translated(Format::Bedrock, &body, &with_id()))[0]["data"].take();
    assert_eq!((tokens(&data), &data["latency_ms"]), ([25, 2048, 768, 150], &json!(1200)));
}

#[test]
fn lines_of_bedrocks_batches_are_read_in_the_shape_of_the_vendor() {
    let line = |output: Value| {
        let line =
            json!({ "recordId": "CALL0000001", "modelInput": { "max_tokens": 9 }, "modelOutput": output });
        let labels = Labels { model: Some("anthropic.claude-haiku-4-5".to_owned()), ..labels() };
        let event = events(&translated(Format::Bedrock, &line, &labels)).remove(0);
        assert_eq!(event["data"]["service_tier"], json!("batch"));
        (event["id"].clone(), tokens(&event["data"]))
    };
    let claude = json!({ "id": "msg_bdrk_1", "type": "message", "usage": { "input_tokens": 25, "output_tokens": 150,
        "cache_read_input_tokens": 2048, "cache_creation_input_tokens": 768 } });
    assert_eq!(line(claude), (json!("msg_bdrk_1"), [25, 2048, 768, 150]));
    let nova = json!({ "usage": { "inputTokens": 25, "outputTokens": 150, "totalTokens": 175 } });
    assert_eq!(line(nova), (json!("CALL0000001"), [25, 0, 0, 150]));
}

#[test]
fn groqs_last_chunk_has_the_usage_of_its_stream() {
    let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_773_600,
        "model": "llama-3.3-70b-versatile", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }],
        "x_groq": { "id": "req_1", "usage": { "queue_time": 0.061, "prompt_tokens": 40, "completion_tokens": 8,
            "prompt_tokens_details": { "cached_tokens": 16 }, "total_tokens": 48, "total_time": 0.03 } } });
    let billed = json!({ "input_tokens": 24, "cache_read_tokens": 16, "output_tokens": 8 });
    assert_eq!(data(Format::OpenAi, &chunk), billed);
}

/// The thoughts are not part of the output: the total is the sum of all three.
#[test]
fn interactions_of_gemini_are_read() {
    let body = json!({ "id": "v1_Chcz", "object": "interaction", "status": "completed", "model": "gemini-3.5-flash",
        "created": "2026-11-27T10:00:00Z", "steps": [], "usage": { "total_input_tokens": 9, "total_output_tokens": 779,
            "total_thought_tokens": 912, "total_cached_tokens": 4, "total_tool_use_tokens": 0, "total_tokens": 1700,
            "input_tokens_by_modality": [{ "modality": "text", "tokens": 6 }, { "modality": "audio", "tokens": 3 }] } });
    let billed = json!({ "input_tokens": 5, "input_audio_tokens": 3, "cache_read_tokens": 4, "output_tokens": 1691,
        "reasoning_tokens": 912 });
    assert_eq!(data(Format::Google, &body), billed);
    let event = &events(&translated(Format::Google, &body, &labels()))[0];
    assert_eq!([&event["id"], &event["time"]], ["v1_Chcz", "2026-11-27T10:00:00Z"]);
}

#[test]
fn searches_of_interactions_are_billed_as_those_of_responses() {
    let units = |model: &str| {
        let tools = json!([{ "type": "google_search", "count": 3 }, { "type": "google_maps", "count": 1 },
            { "type": "retrieval", "count": 5 }]);
        let usage =
            json!({ "total_input_tokens": 9, "total_output_tokens": 7, "grounding_tool_count": tools });
        let body = json!({ "id": "v1_Chcz", "object": "interaction", "model": model, "usage": usage });
        data(Format::Google, &body)["units"].take()
    };
    assert_eq!(units("gemini-3.5-flash"), json!({ "web_search": 3, "maps_grounding": 1 }));
    assert_eq!(units("gemini-2.5-flash"), json!({ "web_search": 1, "maps_grounding": 1 }));
}

#[test]
fn a_failed_response_is_a_failed_call() {
    let body = |status: &str, usage: Value| {
        json!({ "id": "resp_1", "object": "response", "created_at": 1_795_773_600, "status": status,
            "error": { "code": "server_error", "message": "PLANTED" }, "model": "gpt-5", "output": [], "usage": usage })
    };
    let failed = json!({ "input_tokens": 0, "output_tokens": 0, "status": "error" });
    for status in ["failed", "cancelled"] {
        let translation = translated(Format::OpenAi, &body(status, Value::Null), &labels());
        assert!(translation.sources.values().all(|counts| counts.without_usage == 0));
        assert_eq!(data(Format::OpenAi, &body(status, Value::Null)), failed);
    }
    let billed = json!({ "input_tokens": 7, "output_tokens": 3, "status": "error" });
    assert_eq!(
        data(Format::OpenAi, &body("failed", json!({ "input_tokens": 7, "output_tokens": 3 }))),
        billed
    );
    let queued = translated(Format::OpenAi, &body("queued", Value::Null), &labels());
    assert_eq!((queued.events.len(), queued.refusals.len()), (0, 1));
}
