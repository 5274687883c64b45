use super::*;

/// A response of xAI with its bill, `cost_in_usd_ticks`: 9,992 at 1.25, 128 cached at 0.20 and 4,308 out at 2.50 USD per
/// million tokens are 0.0232856 USD.
#[test]
fn reasoning_of_xai_comes_on_top_of_its_output() {
    let usage = |total: u64| {
        json!({ "prompt_tokens": 10120, "completion_tokens": 1499, "total_tokens": total,
            "prompt_tokens_details": { "cached_tokens": 128, "text_tokens": 10120 },
            "completion_tokens_details": { "reasoning_tokens": 2809 }, "cost_in_usd_ticks": 232_856_000 })
    };
    let output = |total: u64| {
        let body =
            json!({ "id": "x1", "object": "chat.completion", "model": "grok-4.20", "usage": usage(total) });
        let data = data(Format::OpenAi, &body);
        assert_eq!((&data["input_tokens"], &data["cache_read_tokens"]), (&json!(9992), &json!(128)));
        assert_eq!(data["reasoning_tokens"], json!(2809));
        data["output_tokens"].clone()
    };
    assert_eq!([14428, 11619, 0].map(output), [json!(4308), json!(1499), json!(1499)]);
}

#[test]
fn audio_and_cached_tokens_of_the_realtime_api_are_read() {
    let body = json!({ "type": "response.done", "event_id": "event_1", "response": {
        "id": "resp_rt", "object": "realtime.response", "model": "gpt-realtime", "output": [],
        "usage": { "total_tokens": 253, "input_tokens": 132, "output_tokens": 121,
            "input_token_details": { "text_tokens": 119, "audio_tokens": 13, "image_tokens": 0, "cached_tokens": 64,
                "cached_tokens_details": { "text_tokens": 64, "audio_tokens": 0, "image_tokens": 0 } },
            "output_token_details": { "text_tokens": 30, "audio_tokens": 91 } } } });
    let billed = json!({ "input_tokens": 68, "input_audio_tokens": 13, "cache_read_tokens": 64,
        "output_tokens": 121, "output_audio_tokens": 91 });
    assert_eq!(data(Format::OpenAi, &body), billed);
}

#[test]
fn transcriptions_are_billed_by_tokens_or_by_seconds() {
    let transcription = |usage: Value| {
        let labels = Labels { id: Some("t-1".to_owned()), model: Some("m".to_owned()), ..labels() };
        let translation = translated(Format::OpenAi, &json!({ "text": "PLANTED", "usage": usage }), &labels);
        assert!(translation.sources.values().all(|counts| counts.without_usage == 0));
        let data = events(&translation)[0]["data"].take();
        ["input_tokens", "input_audio_tokens", "output_tokens", "units"].map(|name| data[name].clone())
    };
    let by_tokens = json!({ "type": "tokens", "input_tokens": 114, "output_tokens": 45, "total_tokens": 159,
        "input_token_details": { "text_tokens": 14, "audio_tokens": 100 }, "seconds": 10 });
    assert_eq!(transcription(by_tokens), [json!(114), json!(100), json!(45), Value::Null]);
    for (seconds, amount) in [(json!(60), json!(60)), (json!(8.470_000_267), json!("8.47"))] {
        let by_time = json!({ "type": "duration", "seconds": seconds });
        let units = json!({ "audio_seconds": amount });
        assert_eq!(transcription(by_time), [json!(0), Value::Null, json!(0), units]);
    }
}

fn perplexity(model: &str, usage: &Value) -> Value {
    data(Format::OpenAi, &json!({ "id": "p", "object": "chat.completion", "model": model, "usage": usage }))
}

#[test]
fn deep_research_states_what_it_bills_beside_its_tokens() {
    let usage = json!({ "prompt_tokens": 108, "completion_tokens": 3256, "total_tokens": 3364,
        "citation_tokens": 7299, "num_search_queries": 74, "reasoning_tokens": 73248 });
    let billed = json!({ "input_tokens": 108, "output_tokens": 3256,
        "units": { "web_search": 74, "citation_tokens": 7299, "reasoning_tokens": 73248 } });
    assert_eq!(perplexity("sonar-deep-research", &usage), billed);
    // Elsewhere the fee for the request includes the searches.
    assert_eq!(perplexity("sonar", &usage)["units"], Value::Null);
}

#[test]
fn the_bill_of_perplexity_is_taken_where_it_is_stated() {
    let usage = |cost: Value| {
        json!({ "prompt_tokens": 8, "completion_tokens": 439, "total_tokens": 447, "search_context_size": "high",
            "cost": cost })
    };
    let cost = json!({ "input_tokens_cost": 8e-6, "output_tokens_cost": 0.000_439, "request_cost": 0.012,
        "total_cost": 0.012_447 });
    let billed = perplexity("sonar", &usage(cost));
    assert_eq!((&billed["cost_usd"], &billed["units"]), (&json!("0.012447"), &Value::Null));
    for unknown in [Value::Null, json!({}), json!({ "total_cost": null }), json!({ "total_cost": 0 })] {
        let billed = perplexity("sonar", &usage(unknown));
        assert_eq!(
            (&billed["cost_usd"], &billed["units"]),
            (&Value::Null, &json!({ "search_context_high": 1 }))
        );
    }
}

#[test]
fn the_live_api_names_its_output_after_responses() {
    let body = json!({ "responseId": "live-1", "modelVersion": "gemini-2.5-flash-native-audio-preview-12-2025",
        "usageMetadata": { "promptTokenCount": 100, "responseTokenCount": 50, "totalTokenCount": 150,
            "promptTokensDetails": [{ "modality": "AUDIO", "tokenCount": 100 }],
            "responseTokensDetails": [{ "modality": "AUDIO", "tokenCount": 50 }] } });
    let billed = json!({ "input_tokens": 100, "input_audio_tokens": 100, "output_tokens": 50,
        "output_audio_tokens": 50 });
    assert_eq!(data(Format::Google, &body), billed);
}

#[test]
fn queries_of_gemini_count_once_and_empty_ones_not_at_all() {
    let units = |model: &str, groundings: Value| {
        let candidates: Vec<_> = groundings
            .as_array()
            .unwrap()
            .iter()
            .map(|grounding| json!({ "groundingMetadata": grounding }))
            .collect();
        let body = json!({ "responseId": "g", "modelVersion": model, "candidates": candidates,
            "usageMetadata": { "promptTokenCount": 100, "candidatesTokenCount": 50, "totalTokenCount": 150 } });
        data(Format::Google, &body)["units"].take()
    };
    let repeated = json!([
        { "webSearchQueries": ["bitcoin price USD", "ethereum price USD", "bitcoin price USD", ""] },
        { "webSearchQueries": ["ethereum price USD"] },
    ]);
    assert_eq!(units("gemini-3-flash-preview", repeated.clone()), json!({ "web_search": 2 }));
    assert_eq!(units("models/gemini-2.5-flash", repeated), json!({ "web_search": 1 }));
    assert_eq!(units("gemini-3-flash-preview", json!([{ "webSearchQueries": [""] }])), Value::Null);
    let places =
        json!([{ "webSearchQueries": ["cafes", "bars"], "groundingChunks": [{ "maps": { "uri": "u" } }] }]);
    assert_eq!(units("gemini-3-flash-preview", places.clone()), json!({ "maps_grounding": 2 }));
    assert_eq!(units("gemini-2.5-flash", places), json!({ "maps_grounding": 1 }));
}

/// Messages by Bedrock's `InvokeModel`, whose response has the bare id.
#[test]
fn the_inference_profile_of_the_request_is_the_model() {
    let mut message = canned("message");
    message["model"] = json!("claude-sonnet-4-5-20250929");
    let model = |of_request: &str| {
        let labels =
            Labels { model: Some(of_request.to_owned()), provider: Some("aws".to_owned()), ..labels() };
        events(&translated(Format::Anthropic, &message, &labels))[0]["data"]["model"].clone()
    };
    let profile = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(model(profile), profile);
    assert_eq!(model("claude-sonnet-4-5"), "claude-sonnet-4-5-20250929");
}

#[test]
fn gateways_may_send_the_names_of_all_apis_at_once() {
    let details = json!({ "cached_tokens": 900, "text_tokens": 0, "audio_tokens": 0, "image_tokens": 0 });
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
        "prompt_tokens_details": details, "completion_tokens_details": { "reasoning_tokens": 20 },
        "input_tokens": 0, "output_tokens": 0, "input_tokens_details": null });
    let billed =
        json!({ "input_tokens": 100, "cache_read_tokens": 900, "output_tokens": 50, "reasoning_tokens": 20 });
    assert_eq!(data(Format::OpenAi, &json!({ "id": "1", "model": "m", "usage": usage })), billed);
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": {},
        "input_tokens": 1000, "output_tokens": 50, "input_tokens_details": details,
        "output_tokens_details": { "reasoning_tokens": 20 } });
    assert_eq!(data(Format::OpenAi, &json!({ "id": "1", "model": "m", "usage": usage })), billed);
}

/// Claude through LiteLLM's proxy and through new-api.
#[test]
fn cache_writes_of_gateways_are_read() {
    let usage = |details: Value, extra: Value| {
        let mut usage = json!({ "prompt_tokens": 2841, "completion_tokens": 150, "total_tokens": 2991,
            "prompt_tokens_details": details });
        usage.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        data(Format::OpenAi, &json!({ "id": "1", "model": "m", "usage": usage }))
    };
    let lifetimes = json!({ "ephemeral_5m_input_tokens": 256, "ephemeral_1h_input_tokens": 512 });
    let litellm = usage(
        json!({ "cached_tokens": 2048, "cache_creation_tokens": 768, "cache_creation_token_details": lifetimes }),
        json!({ "cache_creation_input_tokens": 768, "cache_read_input_tokens": 2048 }),
    );
    let billed = json!({ "input_tokens": 25, "cache_read_tokens": 2048, "cache_write_5m_tokens": 256,
        "cache_write_1h_tokens": 512, "output_tokens": 150 });
    assert_eq!(litellm, billed);
    let all_short = json!({ "input_tokens": 25, "cache_read_tokens": 2048, "cache_write_5m_tokens": 768,
        "output_tokens": 150 });
    for (details, extra) in [
        (json!({ "cached_tokens": 2048, "cached_creation_tokens": 768 }), json!({})),
        (Value::Null, json!({ "cache_creation_input_tokens": 768, "cache_read_input_tokens": 2048 })),
    ] {
        assert_eq!(usage(details, extra), all_short);
    }
}
