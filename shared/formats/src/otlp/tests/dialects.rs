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
