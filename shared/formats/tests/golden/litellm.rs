//! LiteLLM's payloads, in the callback's three formats.

use formats::litellm::translate;

use super::recorded::{body, lines};

#[test]
fn a_batch_of_all_providers_is_counted() {
    let batch = translate(&body("litellm", "json_array.json")).unwrap();
    let expected = [
        "planner - openai gpt-4.1-mini cache_read=1024 end_user=user-7 input=176 output=300 reasoning=128 \
         tags={\"feature\":\"summaries\",\"key\":\"planner\",\"nightly\":\"true\",\"organization\":\"acme\",\
         \"project\":\"atlas\",\"team\":\"research\"} reported=0.0006527999999999999",
        "litellm - openai gpt-4.1-mini input=90 output=20 reported=0.000068",
        "litellm - anthropic claude-sonnet-4-5 cache_read=2048 cache_write_1h=512 cache_write_5m=256 input=25 \
         output=150 service_tier=standard units={\"web_search\":2} reported=0.0269714",
        "litellm - gemini gemini-2.5-flash cache_read=1000 input_audio=100 input=500 output=300 reasoning=100 \
         reported=0.001",
        "litellm - openai gpt-4.1-limited input=0 output=0 status=error",
        // LiteLLM does not know this model, and priced it as the model that the response names.
        "litellm - openai in-house-model cache_read=1024 input=176 output=300 reasoning=128 \
         reported=0.0006527999999999999",
    ];
    assert_eq!(lines(&batch), expected);
    assert!(batch.refusals.is_empty());
}

#[test]
fn a_cache_hit_is_a_call_that_cost_nothing() {
    let batch = translate(&body("litellm", "ndjson.json")).unwrap();
    let expected = [
        "litellm - openai gpt-4.1-mini input=10 output=20 reported=0.000036",
        "litellm - openai gpt-4.1-mini cost_usd=0 input=0 output=0 tags={\"cache_hit\":\"true\"}",
    ];
    assert_eq!(lines(&batch), expected);
}

#[test]
fn a_payload_alone_is_counted() {
    let single = translate(&body("litellm", "single.json")).unwrap();
    assert_eq!(lines(&single), ["litellm - openai gpt-4.1-mini input=10 output=20 reported=0.000036"]);
}

#[test]
fn a_malformed_entry_is_refused_alone() {
    let mut text = String::from_utf8(body("litellm", "single.json")).unwrap();
    for (broken, index) in [("null", 0), ("{\"prompt_tokens\":-1}", 0), ("{]", 0), ("{\"a\":", 0)] {
        let list = format!("[{broken},{text}]");
        let batch = translate(list.as_bytes()).unwrap();
        // An object that is opened and not closed also swallows the entry after it.
        let taken = usize::from(broken != "{\"a\":");
        assert_eq!((batch.events.len(), batch.refusals[0].index), (taken, index), "{broken}");
    }
    text = text.replace("\"saved_cache_cost\": 0.0", "\"saved_cache_cost\": NaN");
    assert_eq!(translate(text.as_bytes()).unwrap().events.len(), 1);
}

#[test]
fn the_provider_is_read_from_the_price_list_or_the_prefix_where_it_is_not_stated() {
    let single = String::from_utf8(body("litellm", "single.json")).unwrap();
    let mut payload: serde_json::Value = serde_json::from_str(&single).unwrap();
    let mut provider = |stated: serde_json::Value, model: &str, listed: serde_json::Value| {
        payload["custom_llm_provider"] = stated;
        payload["model"] = model.into();
        payload["model_map_information"] = listed;
        let translation = translate(payload.to_string().as_bytes()).unwrap();
        let event: serde_json::Value = serde_json::from_str(translation.events[0].json.get()).unwrap();
        event["data"]["provider"].as_str().unwrap().to_owned()
    };
    let listed = serde_json::json!({ "model_map_value": { "litellm_provider": "openai" } });
    for nothing in [serde_json::Value::Null, "".into()] {
        assert_eq!(
            provider(nothing.clone(), "anthropic/claude-sonnet-4-6", serde_json::Value::Null),
            "anthropic"
        );
        assert_eq!(provider(nothing.clone(), "gpt-4o", listed.clone()), "openai");
        assert_eq!(provider(nothing, "gpt-4o", serde_json::Value::Null), "unknown");
    }
    assert_eq!(provider("azure".into(), "openai/gpt-4o", listed), "azure");
}

#[test]
fn a_cache_hit_may_be_text() {
    let single = String::from_utf8(body("litellm", "single.json")).unwrap();
    let mut payload: serde_json::Value = serde_json::from_str(&single).unwrap();
    for (hit, is_hit) in [
        ("True".into(), true),
        (true.into(), true),
        ("False".into(), false),
        (serde_json::Value::Null, false),
    ] {
        payload["cache_hit"] = hit;
        let translation = translate(payload.to_string().as_bytes()).unwrap();
        assert_eq!(lines(&translation)[0].contains("cost_usd=0 "), is_hit, "{}", payload["cache_hit"]);
    }
}
