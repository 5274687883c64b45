//! Which calls a model can serve, as far as is known.
//!
//! The price book has no input limits. Known limits are in `data/model-limits.csv`, and a price for inputs above a
//! threshold implies that such inputs are accepted. Any other model is assumed to accept [`ASSUMED_MAX_INPUT`]
//! tokens, as nearly every current model does.

use std::sync::LazyLock;

use csv::{ReaderBuilder, StringRecord};
use ledger::pricing::{PriceVersion, PricedModel};
use ledger::rollup::LONG_CONTEXT_STEPS;

/// Assumed input limit, in tokens, of models whose limit is not known.
const ASSUMED_MAX_INPUT: u64 = LONG_CONTEXT_STEPS[0];

pub fn max_input(model: &PricedModel, version: &PriceVersion) -> u64 {
    let limits = LIMITS.iter().filter(|limit| limit.is_of(model));
    let stated = limits.max_by_key(|limit| limit.pattern.len()).map(|limit| limit.max_input_tokens);
    let derived = || version.long_context.last().map_or(0, |long| long.above_input_tokens + 1);
    stated.unwrap_or_else(|| derived().max(ASSUMED_MAX_INPUT))
}

/// Parts of the names of models that are no general-purpose text models: embeddings, images, audio, moderation, deep
/// research, computer use, and fine-tuned models.
const NOT_TEXT_MODELS: [&str; 14] = [
    ".ft-",
    "audio",
    "computer-use",
    "deep-research",
    "embed",
    "ft:",
    "guard",
    "image",
    "-live",
    "live-",
    "realtime",
    "sonic",
    "transcribe",
    "-tts",
];

/// Whether a model of the book writes text. A model without an output price has no output.
pub fn writes_text(model: &PricedModel) -> bool {
    let id = model.model.to_ascii_lowercase();
    let mute = model.versions.iter().all(|version| version.base.output.per_million().is_zero());
    !mute && !NOT_TEXT_MODELS.iter().any(|part| id.contains(part))
}

struct Limit {
    provider: String,
    /// A lower-case id; a trailing `*` matches all ids with that prefix.
    pattern: String,
    max_input_tokens: u64,
}

impl Limit {
    fn is_of(&self, model: &PricedModel) -> bool {
        let id = || model.model.to_ascii_lowercase();
        self.provider == model.provider
            && match self.pattern.strip_suffix('*') {
                Some(prefix) => id().starts_with(prefix),
                None => id() == self.pattern,
            }
    }
}

static LIMITS: LazyLock<Vec<Limit>> = LazyLock::new(|| {
    // A test parses the same text, so a build that passed its tests cannot fail here.
    read(include_str!("../../data/model-limits.csv")).unwrap_or_else(|| panic!("data/model-limits.csv"))
});

fn read(text: &str) -> Option<Vec<Limit>> {
    let limit = |record: StringRecord| {
        Some(Limit {
            provider: record.get(0)?.to_owned(),
            pattern: record.get(1)?.to_ascii_lowercase(),
            max_input_tokens: record.get(2)?.parse().ok()?,
        })
    };
    let mut reader = ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.records().map(|record| limit(record.ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use ledger::pricing::{Overrides, PriceBook, Prices};

    use super::*;

    const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 15).unwrap();

    fn limit(provider: &str, model: &str) -> u64 {
        let at = DAY.and_hms_opt(12, 0, 0).unwrap().and_utc();
        let price = PriceBook::builtin().resolve(provider, model, at).unwrap();
        max_input(price.model, price.version)
    }

    #[test]
    fn every_limit_is_of_a_model_in_the_price_book() {
        let overrides = Overrides::default();
        let list = Prices::new(PriceBook::builtin(), &overrides).list(DAY);
        assert_eq!(LIMITS.len(), 100);
        for limit in LIMITS.iter() {
            assert!(
                list.iter().any(|price| limit.is_of(price.model)),
                "{} {}",
                limit.provider,
                limit.pattern
            );
        }
    }

    #[test]
    fn a_listed_limit_wins_then_price_thresholds_then_the_default() {
        for (provider, model, tokens) in [
            ("anthropic", "claude-haiku-3.5", 200_000),
            ("anthropic", "claude-sonnet-4-5", 1_000_000),
            ("openai", "gpt-3.5-turbo", 16_385),
            ("openai", "gpt-3.5-turbo-0613", 4_096),
            ("openai", "gpt-4o-mini", 128_000),
            // Its price above 272,000 tokens implies that it accepts them.
            ("openai", "gpt-5.4", 272_001),
            ("minimax", "minimax-m3", 512_001),
            ("anthropic", "claude-opus-5", 128_000),
            ("zai", "glm-5.3", 128_000),
        ] {
            assert_eq!(limit(provider, model), tokens, "{model}");
        }
    }

    #[test]
    fn models_that_write_no_text_are_excluded_by_name_or_price() {
        let writes = |provider, model| writes_text(PriceBook::builtin().identify(provider, model).unwrap());
        for (provider, model) in [
            ("openai", "text-embedding-3-small"),
            ("mistral", "mistral-embed"),
            ("azure", "babbage"),
            ("voyageai", "voyage-3"),
            ("openai", "gpt-image-1-mini"),
            ("openai", "gpt-4o-mini-tts"),
            ("openai", "gpt-realtime-mini"),
            ("openai", "ft:gpt-4o-mini"),
            ("openai", "gpt-4o-mini-2024-07-18.ft-"),
            ("google", "gemini-live-2.5-flash"),
            ("aws", "amazon.nova-2-sonic-v1:0"),
            ("groq", "llama-guard-3-8b"),
        ] {
            assert!(!writes(provider, model), "{model}");
        }
        for (provider, model) in
            [("openai", "gpt-5-nano"), ("google", "gemini-2.5-flash-lite"), ("x-ai", "grok-4")]
        {
            assert!(writes(provider, model), "{model}");
        }
    }
}
