use serde_json::{Value, json};

use super::*;

/// A payload with the fields that every payload has; `fields` are added or replaced.
fn translated(fields: &Value) -> Translation {
    let mut payload = json!({ "id": "chatcmpl-1", "litellm_call_id": "c-1", "call_type": "acompletion",
        "status": "success", "startTime": 1_795_773_600.0, "endTime": 1_795_773_601.0, "model": "gpt-5",
        "custom_llm_provider": "openai", "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
        "response_cost": 0.1, "metadata": {}, "hidden_params": {}, "model_map_information": null });
    payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let translation = translate(payload.to_string().as_bytes()).unwrap();
    assert!(translation.refusals.is_empty(), "{:?}", translation.refusals);
    translation
}

fn data(fields: &Value) -> Value {
    let mut event: Value = serde_json::from_str(translated(fields).events[0].json.get()).unwrap();
    event["data"].take()
}

/// A payload of `call_type` without tokens.
fn without_tokens(call_type: &str, cost: &Value, usage: &Value) -> Translation {
    translated(
        &json!({ "call_type": call_type, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0,
        "response_cost": cost, "metadata": { "usage_object": usage } }),
    )
}

#[test]
fn the_tier_is_that_which_litellm_priced() {
    let tier = |basis: Value, usage: Value, asked: Value| {
        data(&json!({ "cost_breakdown": { "service_tier": basis }, "metadata": { "usage_object": usage },
            "model_parameters": { "service_tier": asked } }))["service_tier"]
            .clone()
    };
    let none = || Value::Null;
    assert_eq!(tier("flex".into(), none(), none()), "flex");
    assert_eq!(tier("priority".into(), none(), "auto".into()), "priority");
    assert_eq!(tier("default".into(), none(), "priority".into()), "default");
    assert_eq!(tier(none(), json!({ "service_tier": "batch" }), "auto".into()), "batch");
    assert_eq!(tier("standard".into(), json!({ "speed": "fast" }), none()), "fast");
    assert_eq!(tier(none(), none(), "flex".into()), "flex");
    assert_eq!(tier(none(), none(), none()), none());
}

#[test]
fn the_region_is_that_which_litellm_priced_or_called() {
    let region = |fields: Value| data(&fields)["region"].clone();
    assert_eq!(region(json!({ "cost_breakdown": { "data_residency": "eu" } })), "eu");
    assert_eq!(region(json!({ "api_base": "https://eu.api.openai.com/v1" })), "eu");
    assert_eq!(region(json!({ "cost_breakdown": { "vertex_location": "us-east5" } })), "us-east5");
    let aws = "https://bedrock-runtime.us-gov-west-1.amazonaws.com/model/m/converse";
    assert_eq!(region(json!({ "api_base": "", "hidden_params": { "api_base": aws } })), "us-gov-west-1");
    let geo = json!({ "usage_object": { "inference_geo": "us" } });
    assert_eq!(region(json!({ "metadata": geo, "cost_breakdown": { "vertex_location": "global" } })), "us");
    let nowhere = json!({ "cost_breakdown": null, "api_base": "https://api.openai.com" });
    assert_eq!(region(nowhere), Value::Null);
}

#[test]
fn the_cost_of_a_batch_is_of_that_tier() {
    let tier = |fields: Value| data(&fields)["service_tier"].clone();
    let basis = json!({ "service_tier": "default" });
    assert_eq!(tier(json!({ "call_type": "aretrieve_batch", "cost_breakdown": basis })), "batch");
    assert_eq!(tier(json!({ "hidden_params": { "batch_models": ["gpt-4o"] } })), "batch");
    assert_eq!(tier(json!({ "hidden_params": { "batch_models": null } })), Value::Null);
    assert_eq!(tier(json!({ "call_type": "acreate_batch" })), Value::Null);
}

#[test]
fn what_is_not_billed_by_tokens_has_units() {
    for (call_type, usage, units) in [
        ("atranscription", json!({ "type": "duration", "seconds": 60 }), json!({ "audio_seconds": 60 })),
        ("atranscription", json!({ "type": "duration", "seconds": 7.5 }), json!({ "audio_seconds": "7.5" })),
        ("avideo_generation", json!({ "duration_seconds": 8.0 }), json!({ "video_seconds": 8 })),
        ("acreate_video", json!({ "duration_seconds": 8, "video_count": 2 }), json!({ "video_seconds": 16 })),
        ("aocr", json!({ "pages_processed": 3, "doc_size_bytes": 1 }), json!({ "pages": 3 })),
        (
            "aocr",
            json!({ "pages_processed": 3, "pages_processed_annotation": 2 }),
            json!({ "pages": 3, "annotation_pages": 2 }),
        ),
    ] {
        let translation = without_tokens(call_type, &json!(0.1), &usage);
        let event: Value = serde_json::from_str(translation.events[0].json.get()).unwrap();
        assert_eq!(event["data"]["units"], units, "{call_type}");
        assert_eq!(translation.source_counts().without_usage, 0, "{call_type}");
    }
}

#[test]
fn a_call_without_any_quantity_is_not_free() {
    let units = |call_type: &str, cost: Value| {
        let translation = without_tokens(call_type, &cost, &Value::Null);
        assert_eq!(translation.source_counts().without_usage, 1);
        let mut event: Value = serde_json::from_str(translation.events[0].json.get()).unwrap();
        event["data"]["units"].take()
    };
    let a_request = json!({ "requests": 1 });
    assert_eq!(units("aspeech", json!(0.015)), a_request);
    // LiteLLM had no price either.
    assert_eq!(units("speech", json!(0)), a_request);
    assert_eq!(units("acompletion", json!(0.015)), a_request);
    // A batch that has not ended.
    assert_eq!(units("aretrieve_batch", json!(0)), Value::Null);
}

#[test]
fn neither_failures_nor_cache_hits_are_billed() {
    for fields in [json!({ "status": "failure" }), json!({ "cache_hit": true })] {
        let mut fields = fields;
        let nothing =
            json!({ "call_type": "aspeech", "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 });
        fields.as_object_mut().unwrap().extend(nothing.as_object().unwrap().clone());
        assert_eq!(data(&fields)["units"], Value::Null);
    }
}

#[test]
fn transcriptions_and_images_state_their_tokens_in_spellings_of_their_own() {
    let usage = json!({ "type": "tokens", "input_tokens": 114, "output_tokens": 45, "total_tokens": 159,
        "input_token_details": { "text_tokens": 14, "audio_tokens": 100 }, "prompt_tokens_details": null });
    let data =
        data(&json!({ "call_type": "atranscription", "model": "gpt-4o-transcribe", "prompt_tokens": 114,
        "completion_tokens": 45, "total_tokens": 159, "metadata": { "usage_object": usage } }));
    assert_eq!((&data["input_tokens"], &data["input_audio_tokens"]), (&json!(114), &json!(100)));
    let usage = json!({ "input_tokens_details": { "text_tokens": 600, "image_tokens": 400 },
        "output_tokens_details": { "image_tokens": 100 } });
    let data = data_of_image(&usage);
    assert_eq!((&data["input_image_tokens"], &data["output_image_tokens"]), (&json!(400), &json!(100)));
}

fn data_of_image(usage: &Value) -> Value {
    data(&json!({ "call_type": "aimage_generation", "metadata": { "usage_object": usage } }))
}

/// The model has prices of both.
#[test]
fn the_length_of_what_is_billed_by_tokens_is_no_unit() {
    let usage = json!({ "type": "tokens", "seconds": 60 });
    let data = data(&json!({ "model": "gpt-4o-transcribe", "metadata": { "usage_object": usage } }));
    assert_eq!((&data["input_tokens"], &data["units"]), (&json!(1000), &Value::Null));
}

/// Releases before the fold of reasoning into the output reported xAI's counts as they were.
#[test]
fn reasoning_that_the_total_has_beside_the_output_is_billed() {
    let usage = json!({ "completion_tokens_details": { "reasoning_tokens": 317 } });
    let output = |total: u64| {
        data(&json!({ "model": "grok-4", "custom_llm_provider": "xai", "prompt_tokens": 12, "completion_tokens": 2,
            "total_tokens": total, "metadata": { "usage_object": usage } }))["output_tokens"]
            .clone()
    };
    assert_eq!([output(331), output(14)], [json!(319), json!(2)]);
}

#[test]
fn grounding_of_gemini_2_is_billed_by_the_prompt() {
    let units = |provider: &str, model: &str| {
        let details = json!({ "web_search_requests": 3, "google_maps_grounding_requests": 2 });
        data(&json!({ "custom_llm_provider": provider, "model": model,
            "metadata": { "usage_object": { "prompt_tokens_details": details } } }))["units"]
            .clone()
    };
    let by_prompt = json!({ "web_search": 1, "maps_grounding": 1 });
    assert_eq!(units("gemini", "gemini-2.5-flash"), by_prompt);
    assert_eq!(units("vertex_ai", "vertex_ai/gemini-2.0-flash-001"), by_prompt);
    assert_eq!(units("gemini", "gemini-3-flash-preview"), json!({ "web_search": 3, "maps_grounding": 2 }));
    assert_eq!(units("anthropic", "claude-sonnet-4-5")["web_search"], 3);
}

#[test]
fn searches_of_perplexity_are_billed_one_by_one_in_deep_research_alone() {
    let units = |model: &str, usage: Value| {
        let data = data(&json!({ "custom_llm_provider": "perplexity", "model": model,
            "metadata": { "usage_object": usage } }));
        (data["units"].clone(), data["cost_usd"].clone())
    };
    let usage = json!({ "citation_tokens": 7299, "num_search_queries": 74, "reasoning_tokens": 73248,
        "prompt_tokens_details": { "web_search_requests": 74 } });
    let parts = json!({ "web_search": 74, "citation_tokens": 7299, "reasoning_tokens": 73248 });
    assert_eq!(units("perplexity/sonar-deep-research", usage.clone()), (parts, Value::Null));
    assert_eq!(units("sonar", usage), (Value::Null, Value::Null));
    let stated = json!({ "search_context_size": "high", "cost": { "total_cost": 0.012_447 } });
    assert_eq!(units("sonar", stated), (Value::Null, json!("0.012447")));
}

#[test]
fn deployments_are_the_model_that_litellm_found_behind_them() {
    let model = |provider: &str, model: &str, key: &str, listed: bool| {
        let value = listed.then(|| json!({ "key": key, "litellm_provider": provider }));
        let data = data(&json!({ "custom_llm_provider": provider, "model": model,
            "model_map_information": { "model_map_key": key, "model_map_value": value } }));
        (data["provider"].as_str().unwrap().to_owned(), data["model"].as_str().unwrap().to_owned())
    };
    let is = |provider: &str, model: &str| (provider.to_owned(), model.to_owned());
    let listed = "azure/gpt-4o-2024-08-06";
    assert_eq!(model("azure", "azure/my-deploy", listed, true), is("azure", listed));
    assert_eq!(model("azure", "my-deploy", "gpt-4o-2024-08-06", true), is("azure", "gpt-4o-2024-08-06"));
    assert_eq!(model("azure", "azure/my-deploy", listed, false), is("azure", "azure/my-deploy"));
    assert_eq!(model("azure", "azure/eu/gpt-4o-2024-08-06", listed, true).1, "azure/eu/gpt-4o-2024-08-06");
    let profile = "bedrock/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3";
    let claude = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(model("bedrock", profile, claude, true), is("bedrock", claude));
    // What a server of a customer's own calls itself is no proof.
    assert_eq!(model("openai", "in-house", "gpt-4.1-mini", true), is("openai", "in-house"));
    let nested = "litellm_proxy/bedrock/us.anthropic.claude-3-5-haiku-20241022-v1:0";
    let inner = nested.trim_start_matches("litellm_proxy/");
    assert_eq!(model("litellm_proxy", nested, "", false), is("litellm_proxy", inner));
}

impl Translation {
    fn source_counts(&self) -> crate::SourceCounts {
        self.sources.get(SOURCE).cloned().unwrap_or_default()
    }
}
