//! The organization's list of models that may be recommended.

use ledger::pricing::{Book, ModelEntry};

/// Whether `list` is empty or has the model: by its id or another name of it, with or without `provider/` in front.
pub fn allows(list: &[String], model: ModelEntry) -> bool {
    let provider = model.provider();
    let means = |provider: &str, name: &str| {
        let found = Book::builtin().identify(provider, name).1;
        found.is_some_and(|found| found.model == model || found.model.priced_as() == model.priced_as())
    };
    let named = |text: &String| {
        let with_provider = text.split_once('/').is_some_and(|(front, name)| {
            Book::builtin().provider(front) == Some(provider) && means(front, name)
        });
        with_provider || means(provider.id(), text)
    };
    list.is_empty() || list.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_by_any_name() {
        let allowed = |list: &[&str], provider: &str, model: &str| {
            let list: Vec<_> = list.iter().map(|&text| text.to_owned()).collect();
            allows(&list, Book::builtin().identify(provider, model).1.unwrap().model)
        };
        for (list, provider, model, expected) in [
            (&[][..], "openai", "gpt-5", true),
            (&["gpt-5"], "openai", "gpt-5", true),
            (&["gpt-5"], "azure", "gpt-5", true),
            (&["openai/GPT-5"], "openai", "gpt-5", true),
            (&["openai/gpt-5"], "azure", "gpt-5", false),
            (&["gpt-5-mini"], "openai", "gpt-5", false),
            (&["vertex_ai/claude-haiku-4.5"], "google", "claude-haiku-4-5@20251001", true),
            (&["anthropic/claude-haiku-4.5"], "openrouter", "anthropic/claude-haiku-4.5", true),
            (&["nothing", "gpt-5"], "openai", "gpt-5", true),
        ] {
            assert_eq!(allowed(list, provider, model), expected, "{list:?} {provider}/{model}");
        }
    }
}
