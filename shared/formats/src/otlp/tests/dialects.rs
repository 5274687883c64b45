use super::*;

/// The data of a span with these attributes: text, and integers.
fn read(texts: &[(&str, &str)], counts: &[(&str, i64)]) -> Value {
    let texts = texts.iter().map(|(name, value)| attribute(name, &text(value)));
    let counts = counts.iter().map(|(name, value)| attribute(name, &integer(*value)));
    let attributes: Vec<_> = texts.chain(counts).collect();
    data(&one(vec![span("00f067aa0ba902b7", "", &attributes)])).remove(0)
}

fn tokens<const N: usize>(data: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| data[name].as_u64().unwrap_or_default())
}

/// A span of `ai` 5 before its package for xAI added the reasoning (vercel/ai#12425).
#[test]
fn reasoning_is_added_where_the_total_has_it_beside_the_output() {
    let output = |total: i64| {
        let data = read(
            &[
                ("ai.operationId", "ai.generateText.doGenerate"),
                ("gen_ai.system", "xai.chat"),
                ("gen_ai.request.model", "grok-4"),
            ],
            &[
                ("ai.usage.inputTokens", 12),
                ("ai.usage.outputTokens", 2),
                ("ai.usage.reasoningTokens", 317),
                ("ai.usage.totalTokens", total),
                ("gen_ai.usage.input_tokens", 12),
                ("gen_ai.usage.output_tokens", 2),
            ],
        );
        tokens(&data, ["input_tokens", "output_tokens", "reasoning_tokens"])
    };
    assert_eq!([331, 14].map(output), [[12, 319, 317], [12, 2, 317]]);
}

/// The counts of langfuse/langfuse#12306, and a call with audio.
#[test]
fn details_of_pydantic_ai_are_read() {
    let claude = read(
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.system", "anthropic"),
            ("gen_ai.request.model", "claude-sonnet-4-6"),
        ],
        &[
            ("gen_ai.usage.input_tokens", 130_213),
            ("gen_ai.usage.output_tokens", 10),
            ("gen_ai.usage.details.cache_write_tokens", 1253),
            ("gen_ai.usage.details.cache_read_tokens", 128_955),
        ],
    );
    let names = ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens"];
    assert_eq!(tokens(&claude, names), [5, 128_955, 1253, 10]);
    let audio = read(
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.system", "openai"),
            ("gen_ai.request.model", "gpt-4o-audio-preview"),
        ],
        &[
            ("gen_ai.usage.input_tokens", 1000),
            ("gen_ai.usage.output_tokens", 100),
            ("gen_ai.usage.details.cache_read_tokens", 60),
            ("gen_ai.usage.details.cache_audio_read_tokens", 50),
            ("gen_ai.usage.details.input_audio_tokens", 900),
            ("gen_ai.usage.details.output_audio_tokens", 80),
            ("gen_ai.usage.details.reasoning_tokens", 7),
        ],
    );
    let names = [
        "input_tokens",
        "input_audio_tokens",
        "cache_read_tokens",
        "cache_read_audio_tokens",
        "output_audio_tokens",
        "reasoning_tokens",
    ];
    assert_eq!(tokens(&audio, names), [940, 850, 60, 50, 80, 7]);
}

#[test]
fn the_endpoint_names_the_region() {
    let region = |name: &str, address: &str| {
        let texts = [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-5.4"), (name, address)];
        read(&texts, &[])["region"].clone()
    };
    assert_eq!(region("server.address", "eu.api.openai.com"), "eu");
    assert_eq!(region("server.address", "bedrock-runtime.us-gov-west-1.amazonaws.com"), "us-gov-west-1");
    assert_eq!(region("gen_ai.openai.api_base", "https://us.api.openai.com/v1/"), "us");
    assert_eq!(region("server.address", "api.openai.com"), Value::Null);
}

/// OpenLLMetry copies the response's model, which is the bare id.
#[test]
fn the_inference_profile_of_the_request_is_the_model() {
    let model = |request: &str| {
        let texts = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "aws.bedrock"),
            ("gen_ai.request.model", request),
            ("gen_ai.response.model", "claude-sonnet-4-5-20250929"),
        ];
        read(&texts, &[("gen_ai.usage.input_tokens", 1000)])["model"].clone()
    };
    let profile = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(model(profile), profile);
    assert_eq!(model("claude-sonnet-4-5"), "claude-sonnet-4-5-20250929");
}

const ANTHROPIC_BY_AI_SDK: [(&str, &str); 4] = [
    ("ai.operationId", "ai.generateText.doGenerate"),
    ("ai.model.provider", "anthropic.messages"),
    ("gen_ai.system", "anthropic.messages"),
    ("gen_ai.request.model", "claude-sonnet-4-6"),
];

/// A call by `ai`, with its counts and its metadata.
fn by_ai_sdk(texts: &[(&str, &str)], counts: [i64; 4], metadata: &Value) -> Value {
    let metadata = metadata.to_string();
    let texts: Vec<_> =
        texts.iter().copied().chain([("ai.response.providerMetadata", metadata.as_str())]).collect();
    let names = [
        "ai.usage.inputTokens",
        "ai.usage.outputTokens",
        "ai.usage.totalTokens",
        "ai.usage.cachedInputTokens",
    ];
    read(&texts, &names.into_iter().zip(counts).collect::<Vec<_>>())
}

const INPUTS: [&str; 4] =
    ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"];

/// `ai` 5. The first counts are those of vercel/ai#8795; in the second the input is larger than what is cached.
#[test]
fn cache_writes_of_ai_5_are_in_its_metadata() {
    let usage = json!({ "input_tokens": 4, "output_tokens": 1, "cache_creation_input_tokens": 2183,
        "cache_read_input_tokens": 0 });
    let metadata = json!({ "anthropic": { "usage": usage, "cacheCreationInputTokens": 2183 } });
    let written = by_ai_sdk(&ANTHROPIC_BY_AI_SDK, [4, 104, 108, 0], &metadata);
    assert_eq!((tokens(&written, INPUTS), &written["output_tokens"]), ([4, 0, 2183, 0], &json!(104)));
    let usage = json!({ "input_tokens": 5000, "output_tokens": 50, "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 1000, "service_tier": "batch", "server_tool_use": { "web_search_requests": 2 },
        "cache_creation": { "ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200 } });
    let metadata = json!({ "anthropic": { "usage": usage, "cacheCreationInputTokens": 300 } });
    let both = by_ai_sdk(&ANTHROPIC_BY_AI_SDK, [5000, 50, 5050, 1000], &metadata);
    assert_eq!(tokens(&both, INPUTS), [5000, 1000, 100, 200]);
    assert_eq!((&both["units"], &both["service_tier"]), (&json!({ "web_search": 2 }), &json!("batch")));
    // Version 4 has no attribute for cached tokens, either.
    let metadata = json!({ "anthropic": { "cacheCreationInputTokens": 7, "cacheReadInputTokens": 7162 } });
    let fourth = by_ai_sdk(&ANTHROPIC_BY_AI_SDK, [787, 60, 847, 0], &metadata);
    assert_eq!(tokens(&fourth, INPUTS), [787, 7162, 7, 0]);
    let metadata = json!({ "bedrock": { "usage": { "cacheWriteInputTokens": 300 } } });
    let texts = [
        ("ai.operationId", "ai.streamText.doStream"),
        ("gen_ai.system", "amazon-bedrock"),
        ("gen_ai.request.model", "us.anthropic.claude-sonnet-4-6"),
    ];
    let bedrock = by_ai_sdk(&texts, [5000, 50, 5050, 1000], &metadata);
    assert_eq!(tokens(&bedrock, INPUTS), [5000, 1000, 300, 0]);
}

/// `ai` 6 includes all input and states its parts. What it does not state is how long they are kept.
#[test]
fn metadata_of_ai_6_add_the_lifetimes() {
    let usage = json!({ "input_tokens": 25, "cache_creation_input_tokens": 768, "cache_read_input_tokens": 2048,
        "cache_creation": { "ephemeral_5m_input_tokens": 256, "ephemeral_1h_input_tokens": 512 } });
    let metadata = json!({ "anthropic": { "usage": usage } }).to_string();
    let texts: Vec<_> = ANTHROPIC_BY_AI_SDK
        .into_iter()
        .chain([("ai.response.providerMetadata", metadata.as_str())])
        .collect();
    let counts = [
        ("ai.usage.inputTokens", 2841),
        ("ai.usage.inputTokenDetails.noCacheTokens", 25),
        ("ai.usage.inputTokenDetails.cacheReadTokens", 2048),
        ("ai.usage.inputTokenDetails.cacheWriteTokens", 768),
        ("ai.usage.outputTokens", 150),
        ("ai.usage.totalTokens", 2991),
    ];
    assert_eq!(tokens(&read(&texts, &counts), INPUTS), [25, 2048, 256, 512]);
}

#[test]
fn searches_and_tiers_are_read_from_the_metadata() {
    let with = |model: &str, metadata: Value| {
        let texts = [("ai.operationId", "ai.generateText.doGenerate"), ("gen_ai.request.model", model)];
        let data = by_ai_sdk(&texts, [100, 50, 150, 0], &metadata);
        (data["units"].clone(), data["service_tier"].clone())
    };
    let grounding = json!({ "groundingMetadata": { "webSearchQueries": ["a", "b", "a", ""] } });
    let searches = |model: &str, key: &str| with(model, json!({ key: grounding })).0;
    assert_eq!(searches("gemini-3-flash-preview", "google"), json!({ "web_search": 2 }));
    assert_eq!(searches("gemini-2.5-flash", "vertex"), json!({ "web_search": 1 }));
    let flex = json!({ "openai": { "responseId": "resp_1", "serviceTier": "flex" } });
    assert_eq!(with("gpt-5", flex), (Value::Null, json!("flex")));
    let usage = json!({ "perplexity": { "usage": { "citationTokens": 9, "numSearchQueries": 3 } } });
    let units = json!({ "web_search": 3, "citation_tokens": 9 });
    assert_eq!(with("sonar-deep-research", usage), (units, Value::Null));
    assert_eq!(with("gpt-5", json!("no object")), (Value::Null, Value::Null));
}

#[test]
fn frameworks_and_proxies_are_no_providers() {
    let called = |system: &str, model: &str| {
        let texts =
            [("gen_ai.operation.name", "chat"), ("gen_ai.system", system), ("gen_ai.request.model", model)];
        let data = read(&texts, &[("gen_ai.usage.input_tokens", 1000)]);
        ["provider", "model"].map(|name| data[name].as_str().unwrap().to_owned())
    };
    let claude = "us.anthropic.claude-sonnet-4-6";
    assert_eq!(called("strands-agents", claude), ["aws", claude]);
    assert_eq!(called("strands-agents", "gpt-4.1"), ["strands-agents", "gpt-4.1"]);
    assert_eq!(called("litellm_proxy", "litellm_proxy/bedrock/m"), ["litellm_proxy", "bedrock/m"]);
}
