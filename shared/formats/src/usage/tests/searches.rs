use super::*;

/// A response of `gpt-4o-search-preview`: the citations show that it searched, and nothing counts the search. The bill is
/// 1,000 in at 2.50, 100 out at 10 USD per million tokens and a search at 0.025 USD: 0.0285 USD.
#[test]
fn search_models_of_chat_completions_are_billed_a_search() {
    let units = |model: &str, usage: Value| {
        let citation = json!({ "type": "url_citation", "url_citation": { "url": "https://example.com" } });
        let message = json!({ "role": "assistant", "content": "PLANTED", "annotations": [citation] });
        let body = json!({ "id": "sp1", "object": "chat.completion", "created": 1_795_773_600, "model": model,
            "choices": [{ "index": 0, "message": message }], "usage": usage });
        data(Format::OpenAi, &body)["units"].take()
    };
    let usage = || json!({ "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100 });
    for model in
        ["gpt-4o-search-preview", "gpt-4o-mini-search-preview-2025-03-11", "gpt-5-search-api-2025-10-14"]
    {
        assert_eq!(units(model, usage()), json!({ "web_search": 1 }), "{model}");
    }
    assert_eq!(units("gpt-4o", usage()), Value::Null);
    assert_eq!(units("gpt-4o-search-preview", json!({ "prompt_tokens": 0 })), Value::Null);
}
