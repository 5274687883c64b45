use chrono::DateTime;
use serde_json::{Value, json};

use super::*;

/// Usage as single providers spell it.
mod dialects;
mod searches;
mod spellings;
mod wrapped;

fn labels() -> Labels {
    Labels { agent_id: "nova".to_owned(), ..Labels::default() }
}

fn translated(format: Format, body: &Value, labels: &Labels) -> Translation {
    let received = DateTime::from_timestamp_millis(1_795_852_888_305).unwrap();
    translate(format, body.to_string().as_bytes(), labels, received).unwrap()
}

/// Envelope and data of the events.
fn events(translation: &Translation) -> Vec<Value> {
    assert!(translation.refusals.is_empty(), "{:?}", translation.refusals);
    translation.events.iter().map(|event| serde_json::from_str(event.json.get()).unwrap()).collect()
}

/// The data of the only event, without agent, provider and model.
fn data(format: Format, body: &Value) -> Value {
    let mut event = events(&translated(format, body, &labels())).remove(0);
    let mut data = event["data"].take();
    for name in ["agent_id", "provider", "model"] {
        assert!(data.as_object_mut().unwrap().remove(name).is_some());
    }
    data
}

/// A canned response of the recordings: a provider's documented response.
fn canned(name: &str) -> Value {
    let source = include_str!("../../../../tests/intake/record/canned.json");
    serde_json::from_str::<Value>(source).unwrap()[name].take()
}

#[test]
fn chat_completions_include_cached_tokens() {
    let chat = canned("chat");
    let billed = json!({ "input_tokens": 176, "cache_read_tokens": 1024, "output_tokens": 300,
        "reasoning_tokens": 128, "service_tier": "default" });
    assert_eq!(data(Format::OpenAi, &chat), billed);
    let event = &events(&translated(Format::OpenAi, &chat, &labels()))[0];
    assert_eq!(event["time"], json!("2026-09-21T14:13:20Z"));
    assert_eq!([&event["source"], &event["id"]], ["openai", chat["id"].as_str().unwrap()]);
}

#[test]
fn responses_count_their_tools() {
    let mut response = canned("response");
    let tools =
        [json!({ "type": "web_search_call" }), json!({ "type": "web_search_call" }), json!({ "type": "x" })];
    response["output"].as_array_mut().unwrap().extend(tools);
    let billed = json!({ "input_tokens": 464, "cache_read_tokens": 1536, "output_tokens": 400,
        "reasoning_tokens": 256, "service_tier": "flex", "units": { "web_search": 2 } });
    assert_eq!(data(Format::OpenAi, &response), billed);
}

#[test]
fn pages_are_counted_where_there_are_no_tokens() {
    let response = json!({ "pages": [], "model": "mistral-ocr-latest", "document_annotation": null,
        "usage_info": { "pages_processed": 29, "pages_processed_annotation": 4, "doc_size_bytes": 3_002_783 } });
    let labels = Labels { id: Some("scan-1".to_owned()), ..labels() };
    let translation = translated(Format::Mistral, &response, &labels);
    let event = &events(&translation)[0];
    assert_eq!(
        (&event["data"]["units"], &event["data"]["input_tokens"]),
        (&json!({ "pages": 29, "annotation_pages": 4 }), &json!(0))
    );
    assert!(translation.sources.values().all(|counts| counts.without_usage == 0));
}

#[test]
fn messages_exclude_cached_tokens_and_state_lifetimes() {
    let billed = json!({ "input_tokens": 25, "cache_read_tokens": 2048, "cache_write_5m_tokens": 256,
        "cache_write_1h_tokens": 512, "output_tokens": 150, "service_tier": "standard",
        "units": { "web_search": 2 } });
    assert_eq!(data(Format::Anthropic, &canned("message")), billed);
}

/// The first round compacted the context, so only the rounds include it. The last one asked an advisor.
#[test]
fn rounds_are_the_bill_of_a_message_that_has_them() {
    let mut message = canned("message");
    message["usage"] = json!({ "input_tokens": 100, "output_tokens": 40, "iterations": [
        { "type": "compaction", "input_tokens": 9000, "output_tokens": 700 },
        { "type": "message", "input_tokens": 100, "output_tokens": 40 },
        { "type": "advisor_message", "model": "claude-opus-4-5", "input_tokens": 50, "output_tokens": 60 },
    ] });
    let events = events(&translated(Format::Anthropic, &message, &labels()));
    let tokens =
        |event: &Value| ["model", "input_tokens", "output_tokens"].map(|name| event["data"][name].clone());
    assert_eq!(tokens(&events[0]), [json!("claude-sonnet-4-5-20250929"), json!(9100), json!(740)]);
    assert_eq!(tokens(&events[1]), [json!("claude-opus-4-5"), json!(50), json!(60)]);
    assert_eq!(events[1]["id"], json!(format!("{}/1", message["id"].as_str().unwrap())));
}

#[test]
fn gemini_adds_thoughts_and_the_prompt_of_tool_use() {
    let billed = json!({ "input_tokens": 500, "input_audio_tokens": 100, "cache_read_tokens": 1000,
        "output_tokens": 300, "reasoning_tokens": 100 });
    assert_eq!(data(Format::Google, &canned("content")), billed);
    let billed = json!({ "input_tokens": 450, "output_tokens": 60 });
    assert_eq!(data(Format::Google, &canned("content_stream")), billed);
    let snake = json!({ "response_id": "r", "model_version": "gemini-2.5-flash", "usage_metadata": {
        "prompt_token_count": 10, "candidates_token_count": 3, "traffic_type": "ON_DEMAND_PRIORITY" } });
    let billed = json!({ "input_tokens": 10, "output_tokens": 3, "service_tier": "priority" });
    assert_eq!(data(Format::Google, &snake), billed);
}

#[test]
fn grounding_is_billed_by_prompt_and_from_gemini_3_on_by_query() {
    let searches = |model: &str| {
        let body = json!({ "responseId": "r", "modelVersion": model, "usageMetadata": { "promptTokenCount": 1 },
            "candidates": [{ "groundingMetadata": { "webSearchQueries": ["a", "b"] } }] });
        data(Format::Google, &body)["units"]["web_search"].clone()
    };
    assert_eq!([searches("gemini-2.5-pro"), searches("gemini-3-pro")], [json!(1), json!(2)]);
}

#[test]
fn the_total_of_converse_tells_what_the_input_includes() {
    let body = |input: u64| {
        json!({ "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "ResponseMetadata": { "RequestId": "a1b2" }, "metrics": { "latencyMs": 1200 },
            "serviceTier": { "type": "flex" },
            "usage": { "inputTokens": input, "outputTokens": 150, "totalTokens": 2991,
                "cacheReadInputTokens": 2048, "cacheWriteInputTokens": 768,
                "cacheDetails": [{ "inputTokens": 256, "ttl": "5m" }, { "inputTokens": 512, "ttl": "1h" }] } })
    };
    let billed = json!({ "input_tokens": 25, "cache_read_tokens": 2048, "cache_write_5m_tokens": 256,
        "cache_write_1h_tokens": 512, "output_tokens": 150, "latency_ms": 1200, "service_tier": "flex" });
    assert_eq!(data(Format::Bedrock, &body(25)), billed);
    assert_eq!(data(Format::Bedrock, &body(2841)), billed);
}

#[test]
fn a_usage_object_with_its_model_is_enough() {
    for (format, body) in [
        (Format::OpenAi, json!({ "model": "gpt-4.1-mini", "prompt_tokens": 7, "completion_tokens": 3 })),
        (
            Format::OpenAi,
            json!({ "model": "gpt-4.1-mini", "usage": { "input_tokens": 7, "output_tokens": 3 } }),
        ),
        (
            Format::Mistral,
            json!({ "model": "mistral-large", "usage": { "prompt_tokens": 7, "completion_tokens": 3 } }),
        ),
        (Format::Anthropic, json!({ "model": "claude-sonnet-4-5", "input_tokens": 7, "output_tokens": 3 })),
        (
            Format::Google,
            json!({ "model": "gemini-2.5-pro", "promptTokenCount": 7, "candidatesTokenCount": 3 }),
        ),
        (Format::Bedrock, json!({ "modelId": "amazon.nova-pro-v1:0", "inputTokens": 7, "outputTokens": 3 })),
    ] {
        let labels = Labels { id: Some("call-1".to_owned()), ..labels() };
        let event = events(&translated(format, &body, &labels)).remove(0);
        let tokens = [&event["data"]["input_tokens"], &event["data"]["output_tokens"], &event["id"]];
        assert_eq!(tokens, [&json!(7), &json!(3), &json!("call-1")], "{body}");
    }
}

#[test]
fn entries_without_identity_model_or_usage_are_refused_alone() {
    let good = canned("chat");
    let usage = json!({ "prompt_tokens": 1 });
    let list = json!([{ "model": "m", "usage": usage }, { "id": "1", "usage": usage }, { "id": "1", "model": "m" },
        { "id": "1", "model": "m", "usage": { "prompt_tokens": -1 } }, "text", good]);
    let translation = translated(Format::OpenAi, &list, &labels());
    assert_eq!(translation.events.len(), 1);
    let refused: Vec<_> = translation.refusals.iter().map(|refusal| refusal.index).collect();
    assert_eq!(refused, [0, 1, 2, 3, 4]);
}

#[test]
fn labels_complete_all_entries() {
    let labels = Labels {
        session_id: Some("s-1".to_owned()),
        tags: vec![("Team".to_owned(), "growth".to_owned())],
        provider: Some("azure".to_owned()),
        time: Some("2026-11-28T10:00:00Z".to_owned()),
        ..labels()
    };
    let event = events(&translated(Format::Anthropic, &canned("message"), &labels)).remove(0);
    let data = &event["data"];
    assert_eq!([&data["agent_id"], &data["conversation_id"], &data["provider"]], ["nova", "s-1", "azure"]);
    assert_eq!(
        (&data["tags"], &event["time"]),
        (&json!({ "team": "growth" }), &json!("2026-11-28T10:00:00Z"))
    );
}

#[test]
fn content_stays_where_it_is() {
    for (format, name) in [
        (Format::OpenAi, "chat"),
        (Format::OpenAi, "response"),
        (Format::Anthropic, "message"),
        (Format::Google, "content"),
    ] {
        let body = canned(name);
        assert!(body.to_string().contains("PLANTED"));
        let translation = translated(format, &body, &labels());
        assert!(!translation.events[0].json.get().contains("PLANTED"), "{name}");
    }
}

#[test]
fn the_last_chunk_of_a_stream_counts() {
    let chunk = |id: &str, candidates: u64| {
        json!({ "responseId": id, "modelVersion": "gemini-2.5-flash",
            "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": candidates } })
    };
    let list = json!([chunk("a", 5), chunk("b", 7), chunk("a", 50)]);
    let events = events(&translated(Format::Google, &list, &labels()));
    let tokens: Vec<_> = events.iter().map(|event| (&event["id"], &event["data"]["output_tokens"])).collect();
    assert_eq!(tokens, [(&json!("a"), &json!(50)), (&json!("b"), &json!(7))]);
}

#[test]
fn cached_tokens_are_read_wherever_a_provider_states_them() {
    for usage in [
        json!({ "prompt_tokens": 1000, "completion_tokens": 5, "prompt_cache_hit_tokens": 900 }),
        json!({ "prompt_tokens": 1000, "completion_tokens": 5, "cached_tokens": 900 }),
        json!({ "prompt_tokens": 1000, "completion_tokens": 5, "prompt_tokens_details": { "cached_tokens": 900 } }),
    ] {
        let body = json!({ "id": "1", "model": "m", "usage": usage });
        let billed = json!({ "input_tokens": 100, "cache_read_tokens": 900, "output_tokens": 5 });
        assert_eq!(data(Format::OpenAi, &body), billed);
    }
}

#[test]
fn only_searches_are_billed_and_maps_by_the_prompt() {
    let call = |action: &str| json!({ "type": "web_search_call", "action": { "type": action } });
    let body = json!({ "id": "1", "model": "gpt-4.1", "usage": { "input_tokens": 1, "output_tokens": 1 },
        "output": [call("search"), call("open_page"), call("find_in_page"), { "type": "file_search_call" }] });
    assert_eq!(data(Format::OpenAi, &body)["units"], json!({ "web_search": 1, "file_search": 1 }));
    let maps = json!({ "maps": { "uri": "u" } });
    let body = json!({ "responseId": "r", "modelVersion": "gemini-2.5-flash", "usageMetadata": { "promptTokenCount": 1 },
        "candidates": [{ "groundingMetadata": { "groundingChunks": [{ "web": {} }, maps, maps] } }] });
    assert_eq!(data(Format::Google, &body)["units"], json!({ "maps_grounding": 1 }));
}

#[test]
fn responses_are_read_in_what_providers_wrap_them_in() {
    let usage = json!({ "input_tokens": 7, "output_tokens": 3 });
    let response = json!({ "id": "r-1", "model": "m", "usage": usage });
    let converse = json!({ "usage": { "inputTokens": 7, "outputTokens": 3 }, "metrics": { "latencyMs": 5 } });
    for (format, body, id, tier) in [
        (Format::OpenAi, json!({ "type": "response.completed", "response": response }), "r-1", Value::Null),
        (
            Format::OpenAi,
            json!({ "id": "b-1", "custom_id": "c", "response": { "status_code": 200, "body": response } }),
            "r-1",
            json!("batch"),
        ),
        (
            Format::Anthropic,
            json!({ "custom_id": "c", "result": { "type": "succeeded", "message": response } }),
            "r-1",
            json!("batch"),
        ),
        (Format::Bedrock, json!({ "metadata": converse }), "call-1", Value::Null),
    ] {
        let labels = Labels { id: Some("call-1".to_owned()), model: Some("m".to_owned()), ..labels() };
        let event = events(&translated(format, &body, &labels)).remove(0);
        let data = &event["data"];
        let found = (&data["input_tokens"], &data["output_tokens"], &data["service_tier"], &event["id"]);
        assert_eq!(found, (&json!(7), &json!(3), &tier, &json!(id)), "{body}");
    }
    let failed = json!({ "custom_id": "c", "result": { "type": "errored", "error": {} } });
    assert_eq!(translated(Format::Anthropic, &failed, &labels()).refusals.len(), 1);
}
