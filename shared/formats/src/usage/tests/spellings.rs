use super::*;

/// The bill is 3 tokens at 3.30, 1,789 written at 4.125 and 401 out at 16.50 USD per million: 0.014006025 USD. The second
/// usage is of a response without caching (BerriAI/litellm, `test_transform_usage`).
#[test]
fn converse_names_its_cache_counts_twice() {
    let usage = |body: Value| {
        let labels = Labels { model: Some("us.anthropic.claude-sonnet-4-6".to_owned()), ..labels() };
        let body = json!({ "ResponseMetadata": { "RequestId": "b1", "HTTPStatusCode": 200 },
            "output": { "message": { "role": "assistant", "content": [{ "text": "PLANTED" }] } },
            "stopReason": "end_turn", "usage": body });
        let data = events(&translated(Format::Bedrock, &body, &labels))[0]["data"].take();
        ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens"]
            .map(|name| data[name].as_u64().unwrap_or_default())
    };
    let written = json!({ "cacheReadInputTokenCount": 0, "cacheReadInputTokens": 0, "inputTokens": 3,
        "cacheWriteInputTokenCount": 1789, "cacheWriteInputTokens": 1789, "outputTokens": 401, "totalTokens": 2193 });
    assert_eq!(usage(written), [3, 0, 1789, 401]);
    let plain = json!({ "cacheReadInputTokenCount": 0, "cacheReadInputTokens": 0, "cacheWriteInputTokenCount": 0,
        "cacheWriteInputTokens": 0, "inputTokens": 2049, "outputTokens": 38, "serverToolUsage": {},
        "totalTokens": 2087 });
    assert_eq!(usage(plain), [2049, 0, 0, 38]);
    let read = json!({ "inputTokens": 100, "outputTokens": 50, "totalTokens": 1450, "cacheReadInputTokens": 1000,
        "cacheReadInputTokenCount": 1000, "cacheWriteInputTokens": 300, "cacheWriteInputTokenCount": 300 });
    assert_eq!(usage(read), [100, 1000, 300, 50]);
}

/// `QuantumNous/new-api` writes the names of Chat Completions with the counts and those of Responses with zeros, or both
/// with the counts (`dto/openai_response.go`).
#[test]
fn gateways_write_the_usage_of_both_apis() {
    let billed =
        json!({ "input_tokens": 60, "cache_read_tokens": 40, "output_tokens": 50, "reasoning_tokens": 9 });
    let counts = json!({ "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": { "cached_tokens": 40, "text_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": 9, "text_tokens": 0 } });
    for others in [
        json!({ "input_tokens": 0, "output_tokens": 0, "input_tokens_details": null }),
        json!({ "input_tokens": 100, "output_tokens": 50, "input_tokens_details": { "cached_tokens": 40 },
            "output_tokens_details": { "reasoning_tokens": 9 } }),
    ] {
        let mut usage = counts.clone();
        usage.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        let chat = json!({ "id": "n1", "object": "chat.completion", "created": 1_795_773_600, "model": "gpt-4o",
            "usage": usage });
        assert_eq!(data(Format::OpenAi, &chat), billed, "{usage}");
    }
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": { "cached_tokens": 0 },
        "input_tokens": 100, "output_tokens": 50, "total_tokens": 150, "input_tokens_details": { "cached_tokens": 40 },
        "output_tokens_details": { "reasoning_tokens": 9 } });
    let response = json!({ "id": "n2", "object": "response", "model": "gpt-4o", "usage": usage });
    assert_eq!(data(Format::OpenAi, &response), billed);
}

/// LiteLLM's proxy has Anthropic's names beside its own (`litellm/types/utils.py`, `Usage`).
#[test]
fn cache_counts_of_litellms_proxy_are_read() {
    let body = json!({ "id": "chatcmpl-1", "object": "chat.completion", "model": "claude-sonnet-4-6", "usage": {
        "prompt_tokens": 1400, "completion_tokens": 50, "total_tokens": 1450,
        "prompt_tokens_details": { "cached_tokens": 1000, "cache_creation_tokens": 300, "audio_tokens": null },
        "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300 } });
    let billed = json!({ "input_tokens": 100, "cache_read_tokens": 1000, "cache_write_5m_tokens": 300,
        "output_tokens": 50 });
    assert_eq!(data(Format::OpenAi, &body), billed);
}

#[test]
fn googles_camel_case_and_snake_case_are_read_side_by_side() {
    let billed = json!({ "input_tokens": 300, "input_audio_tokens": 300, "cache_read_tokens": 100, "output_tokens": 70,
        "reasoning_tokens": 20, "service_tier": "flex", "units": { "web_search": 1 } });
    let grounding = json!({ "webSearchQueries": ["a"], "web_search_queries": [] });
    let body = json!({ "responseId": "r-1", "response_id": "r-1", "id": null, "modelVersion": "gemini-3-pro",
        "model": "gemini-3-pro-preview", "candidates": [{ "groundingMetadata": grounding, "grounding_metadata": null }],
        "usageMetadata": { "promptTokenCount": 400, "prompt_token_count": 400, "cachedContentTokenCount": 0,
            "cached_content_token_count": 100, "candidatesTokenCount": 50, "candidates_token_count": 50,
            "thoughtsTokenCount": 20, "thoughts_token_count": 0, "trafficType": "ON_DEMAND_FLEX", "traffic_type": null,
            "promptTokensDetails": [{ "modality": "AUDIO", "tokenCount": 300, "token_count": 300 }],
            "prompt_tokens_details": [] },
        "usage_metadata": null });
    let event = &mut events(&translated(Format::Google, &body, &labels()))[0];
    assert_eq!((&event["id"], &event["data"]["model"]), (&json!("r-1"), &json!("gemini-3-pro")));
    assert_eq!(data(Format::Google, &body), billed);
}

/// `DashScope` names the written tokens as Anthropic does, but in the details.
#[test]
fn cache_writes_of_dashscope_are_read() {
    let body = json!({ "id": "1", "model": "qwen3-max", "usage": { "prompt_tokens": 1000, "completion_tokens": 20,
        "total_tokens": 1020, "prompt_tokens_details": { "cached_tokens": 0, "cache_creation_input_tokens": 300,
            "cache_creation": { "ephemeral_5m_input_tokens": 300 }, "cache_type": "ephemeral" } } });
    let billed = json!({ "input_tokens": 700, "cache_write_5m_tokens": 300, "output_tokens": 20 });
    assert_eq!(data(Format::OpenAi, &body), billed);
}
