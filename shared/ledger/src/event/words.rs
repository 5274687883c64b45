//! Words that occur in many events: lists to which stored events refer by position. Append only.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::rollup::TASK_TYPES;

/// A list of words, searched in both directions.
pub struct Words {
    list: Vec<&'static str>,
    positions: HashMap<&'static str, usize>,
}

impl Words {
    fn new(list: impl IntoIterator<Item = &'static str>) -> Self {
        let list: Vec<_> = list.into_iter().collect();
        let positions = list.iter().enumerate().map(|(position, word)| (*word, position)).collect();
        Self { list, positions }
    }

    pub fn position(&self, word: &str) -> Option<usize> {
        self.positions.get(word).copied()
    }

    pub fn at(&self, position: usize) -> Option<&'static str> {
        self.list.get(position).copied()
    }
}

/// Models of the price book with their aliases, of the providers that most calls go to. Others are spelled out.
pub static MODELS: LazyLock<Words> = LazyLock::new(|| Words::new(include_str!("models.txt").lines()));

/// Providers as senders name them.
pub static PROVIDERS: LazyLock<Words> = LazyLock::new(|| {
    Words::new([
        "anthropic",
        "openai",
        "google",
        "aws",
        "azure",
        "mistral",
        "deepseek",
        "x-ai",
        "groq",
        "cohere",
        "openrouter",
        "moonshotai",
        "zai",
        "minimax",
        "meta",
        "perplexity",
        "together",
        "fireworks",
        "dashscope",
        "voyageai",
        "cerebras",
        "vercel",
        "github-copilot",
        "github",
        "databricks",
        "cloudflare",
        "ollama",
        "nvidia",
        "ibm",
        "novita",
        "deepinfra",
        "nebius",
        "sagemaker",
        "sambanova",
        "replicate",
        "hyperbolic",
        "baseten",
        "oci",
        "snowflake",
        "litellm",
        "amazon-nova",
        "zhipuai",
        "bedrock",
        "bedrock_converse",
        "aws.bedrock",
        "amazon-bedrock",
        "vertex_ai",
        "gemini",
        "gcp.vertex_ai",
        "gcp.gemini",
        "google-vertex",
        "google_genai",
        "azure_ai",
        "azure_openai",
        "azure.ai.openai",
        "xai",
        "mistralai",
        "mistral_ai",
        "huggingface",
        "together_ai",
        "fireworks_ai",
        "openai_responses",
        "claude",
    ])
});

/// Task types.
pub static TASKS: LazyLock<Words> = LazyLock::new(|| Words::new(TASK_TYPES));

/// How calls end, whose key pays, and why calls have no price.
pub static STATES: LazyLock<Words> = LazyLock::new(|| {
    Words::new([
        "ok",
        "error",
        "platform",
        "byok",
        "unknown_provider",
        "unknown_model",
        "no_price_at_that_time",
        "no_price_for_tier",
        "no_price_for_region",
        "no_price_for_modality",
        "no_price_for_cache_write",
        "no_price_for_unit",
        "standard",
        "batch",
        "flex",
        "priority",
    ])
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::pricing::Book;

    /// Stored events refer to words by position, so the lists only ever grow: a word that is added changes the hashes of
    /// none before.
    #[test]
    fn words_keep_their_positions() {
        let fnv = |words: &Words, count: usize| {
            let bytes = words.list[..count].iter().flat_map(|word| word.bytes().chain([0]));
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        };
        let hashes = [(&MODELS, 2022), (&PROVIDERS, 63), (&TASKS, 14), (&STATES, 16)]
            .map(|(words, count)| fnv(words, count));
        assert_eq!(hashes, HASHES);
    }

    const HASHES: [u64; 4] = [
        10_733_349_812_328_486_475,
        13_649_690_761_467_530_591,
        13_041_645_224_238_040_427,
        18_071_529_572_250_824_627,
    ];

    #[test]
    fn no_word_occurs_twice() {
        for words in [&MODELS, &PROVIDERS, &TASKS, &STATES] {
            assert_eq!(words.list.iter().collect::<BTreeSet<_>>().len(), words.list.len());
        }
    }

    #[test]
    fn the_models_of_most_calls_are_words() {
        for provider in ["anthropic", "openai", "google"] {
            let provider = Book::builtin().provider(provider).unwrap();
            let (known, all) = provider.models().fold((0, 0), |(known, all), model| {
                (known + usize::from(MODELS.position(model.id()).is_some()), all + 1)
            });
            assert!(known * 5 > all * 3, "{known} of {all}");
        }
    }
}
