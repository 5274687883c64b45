//! Display names of providers.

/// The display name of a provider, or its id if it is unknown.
pub fn display_name(id: &str) -> &str {
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(id));
    known.map_or(id, |(_, name)| name)
}

/// By id.
const NAMES: [(&str, &str); 18] = [
    ("anthropic", "Anthropic"),
    ("aws", "AWS"),
    ("azure", "Azure"),
    ("cerebras", "Cerebras"),
    ("cohere", "Cohere"),
    ("deepseek", "DeepSeek"),
    ("fireworks", "Fireworks AI"),
    ("google", "Google"),
    ("groq", "Groq"),
    ("minimax", "MiniMax"),
    ("mistral", "Mistral AI"),
    ("moonshotai", "Moonshot AI"),
    ("openai", "OpenAI"),
    ("perplexity", "Perplexity"),
    ("together", "Together AI"),
    ("voyageai", "Voyage AI"),
    ("x-ai", "xAI"),
    ("zai", "Z.ai"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::NaiveDate;
    use ledger::pricing::{Overrides, PriceBook, Prices};

    use super::*;

    #[test]
    fn every_provider_of_the_price_book_has_a_name() {
        let overrides = Overrides::default();
        let day = NaiveDate::from_ymd_opt(2026, 9, 15).unwrap();
        let list = Prices::new(PriceBook::builtin(), &overrides).list(day);
        let of_book: BTreeSet<_> = list.iter().map(|price| price.model.provider.as_str()).collect();
        assert_eq!(of_book, NAMES.iter().map(|(id, _)| *id).collect());
    }

    #[test]
    fn an_unknown_provider_is_shown_by_its_id() {
        assert_eq!(display_name("Anthropic"), "Anthropic");
        assert_eq!(display_name("OPENAI"), "OpenAI");
        assert_eq!(display_name("in-house"), "in-house");
    }
}
