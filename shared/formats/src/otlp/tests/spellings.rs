use super::*;

/// A call of 1,000 tokens in, of which some are cached, and 100 out.
fn buckets(provider: &str, counts: &[(&str, i64)]) -> [u64; 4] {
    let mut attributes = vec![
        attribute("gen_ai.operation.name", &text("chat")),
        attribute("gen_ai.system", &text(provider)),
        attribute("gen_ai.request.model", &text("gpt-4o")),
        attribute("gen_ai.usage.output_tokens", &integer(100)),
    ];
    attributes.extend(counts.iter().map(|(name, count)| attribute(name, &integer(*count))));
    let data = data(&one(vec![span("00f067aa0ba902b7", "", &attributes)])).remove(0);
    ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens"]
        .map(|name| data[name].as_u64().unwrap_or_default())
}

#[test]
fn cached_tokens_are_read_under_all_names_of_public_instrumentations() {
    for name in [
        "gen_ai.usage.prompt_tokens_details.cache_read",
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.input_tokens_details.cached_tokens",
        "gen_ai.usage.input_tokens_details.cached",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.cached_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "llm.usage.cache_read_input_tokens",
    ] {
        let found = buckets("openai", &[("gen_ai.usage.input_tokens", 1000), (name, 400)]);
        assert_eq!(found, [600, 400, 0, 100], "{name}");
    }
    for name in [
        "gen_ai.usage.prompt_tokens_details.cache_write",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "llm.usage.cache_creation_input_tokens",
    ] {
        let read = ("gen_ai.usage.cache_read.input_tokens", 1000);
        let found = buckets("anthropic", &[("gen_ai.usage.input_tokens", 1400), read, (name, 300)]);
        assert_eq!(found, [100, 1000, 300, 100], "{name}");
    }
}

#[test]
fn a_count_above_zero_wins_over_a_zero_under_another_name() {
    let found = buckets(
        "openai",
        &[
            ("gen_ai.usage.input_tokens", 0),
            ("gen_ai.usage.prompt_tokens", 1000),
            ("gen_ai.usage.cache_read.input_tokens", 0),
            ("gen_ai.usage.cached_tokens", 400),
            ("gen_ai.usage.completion_tokens", 0),
        ],
    );
    assert_eq!(found, [600, 400, 0, 100]);
    // The first name counts if both state something.
    let found = buckets("openai", &[("gen_ai.usage.input_tokens", 70), ("gen_ai.usage.prompt_tokens", 1000)]);
    assert_eq!(found, [70, 0, 0, 100]);
}

#[test]
fn an_invalid_count_beside_a_valid_zero_does_not_take_the_call_with_it() {
    let counts = |first: Value| {
        let input = attribute("gen_ai.usage.input_tokens", &first);
        let other = attribute("gen_ai.usage.prompt_tokens", &text("N/A"));
        one(vec![call("00f067aa0ba902b7", "", &[input, other])]).events.len()
    };
    assert_eq!([counts(integer(0)), counts(text("N/A"))], [1, 0]);
}

/// `OpenLIT`'s details of the output.
#[test]
fn reasoning_and_audio_of_details_are_read() {
    let attributes = [
        attribute("gen_ai.usage.input_tokens", &integer(10)),
        attribute("gen_ai.usage.output_tokens", &integer(100)),
        attribute("gen_ai.usage.completion_tokens_details.reasoning", &integer(30)),
        attribute("gen_ai.usage.completion_tokens_details.audio", &integer(20)),
    ];
    let data = data(&one(vec![call("00f067aa0ba902b7", "", &attributes)])).remove(0);
    assert_eq!([&data["reasoning_tokens"], &data["output_audio_tokens"]], [&json!(30), &json!(20)]);
}

#[test]
fn a_search_model_of_openai_is_billed_a_search() {
    let units = |provider: &str, model: &str| {
        let attributes = [
            attribute("gen_ai.operation.name", &text("chat")),
            attribute("gen_ai.provider.name", &text(provider)),
            attribute("gen_ai.response.model", &text(model)),
            attribute("gen_ai.usage.input_tokens", &integer(1000)),
        ];
        data(&one(vec![span("00f067aa0ba902b7", "", &attributes)])).remove(0)["units"].take()
    };
    assert_eq!(units("openai", "gpt-4o-search-preview-2025-03-11"), json!({ "web_search": 1 }));
    assert_eq!(units("openai", "gpt-4o"), Value::Null);
    // OpenRouter has a price of its own for it.
    assert_eq!(units("openrouter", "openai/gpt-4o-search-preview"), Value::Null);
}
