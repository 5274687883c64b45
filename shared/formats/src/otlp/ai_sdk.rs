//! What the AI SDK keeps of a provider's response in `ai.response.providerMetadata`, as JSON
//! (<https://ai-sdk.dev/providers/ai-sdk-providers/anthropic>, `providerMetadata`).

use serde::Deserialize;

use super::attributes::Attributes;
use crate::call::Units;
use crate::json::{Count, lenient, or_default};
use crate::tokens::Reported;
use crate::usage::{anthropic, google, perplexity};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ProviderMetadata {
    #[serde(deserialize_with = "lenient")]
    anthropic: Option<Anthropic>,
    #[serde(deserialize_with = "lenient")]
    bedrock: Option<Bedrock>,
    #[serde(deserialize_with = "lenient")]
    google: Option<Google>,
    #[serde(deserialize_with = "lenient")]
    vertex: Option<Google>,
    #[serde(deserialize_with = "lenient")]
    openai: Option<OpenAi>,
    #[serde(deserialize_with = "lenient")]
    azure: Option<OpenAi>,
    #[serde(deserialize_with = "lenient")]
    perplexity: Option<Perplexity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Anthropic {
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    /// The usage as Anthropic sent it. While it streams, its output is that of the start (vercel/ai#8795).
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<anthropic::Usage>,
}

#[derive(Deserialize)]
struct Bedrock {
    #[serde(default, deserialize_with = "or_default")]
    usage: BedrockUsage,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BedrockUsage {
    cache_read_input_tokens: Count,
    cache_write_input_tokens: Count,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Google {
    #[serde(default, deserialize_with = "lenient")]
    grounding_metadata: Option<google::Grounding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenAi {
    #[serde(default, deserialize_with = "lenient")]
    service_tier: Option<String>,
}

#[derive(Deserialize)]
struct Perplexity {
    #[serde(default, deserialize_with = "or_default")]
    usage: PerplexityUsage,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PerplexityUsage {
    citation_tokens: Count,
    num_search_queries: Count,
}

impl ProviderMetadata {
    pub fn of(attributes: Attributes<'_>) -> Self {
        let text = attributes.text(&["ai.response.providerMetadata"]);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Whether the packages of these providers reported the input without cached tokens, as they did until version 5.
    pub const fn excludes_cached(&self) -> bool {
        self.anthropic.is_some() || self.bedrock.is_some()
    }

    /// Adds what the attributes do not state: until version 5 the tokens written to a cache, and in all versions how
    /// long they are kept.
    pub fn complete(&self, reported: &mut Reported) {
        let mut cached = [(0, 0); 3];
        if let Some(Anthropic { cache_creation_input_tokens: write, cache_read_input_tokens: read, usage }) =
            &self.anthropic
        {
            let usage = usage.as_ref().map(anthropic::Usage::reported).unwrap_or_default();
            if reported.lifetimes.sum() == 0 {
                reported.lifetimes = usage.lifetimes;
            }
            cached[0] = (read.0, write.0);
            cached[1] = (usage.cache_read, usage.cache_write);
        }
        if let Some(Bedrock { usage }) = &self.bedrock {
            cached[2] = (usage.cache_read_input_tokens.0, usage.cache_write_input_tokens.0);
        }
        for (read, write) in cached {
            reported.cache_read = reported.cache_read.max(read);
            reported.cache_write = reported.cache_write.max(write);
        }
    }

    pub fn units(&self, model: &str) -> Units {
        let mut units = Units::new();
        if let Some(usage) = self.anthropic.as_ref().and_then(|anthropic| anthropic.usage.as_ref()) {
            units.extend(usage.units());
        }
        let google = [&self.google, &self.vertex].into_iter().flatten();
        let groundings = google.filter_map(|google| google.grounding_metadata.as_ref());
        units.extend(google::searches(&groundings.collect::<Vec<_>>(), Some(model)));
        if let Some(Perplexity { usage }) = &self.perplexity {
            let extras = perplexity::Extras {
                citation_tokens: usage.citation_tokens.0,
                search_queries: usage.num_search_queries.0,
                ..perplexity::Extras::default()
            };
            units.extend(extras.units(model));
        }
        units
    }

    pub fn service_tier(&self) -> Option<String> {
        let usage = self.anthropic.as_ref().and_then(|anthropic| anthropic.usage.as_ref());
        let openai = self.openai.as_ref().or(self.azure.as_ref());
        let of_openai = openai.and_then(|openai| openai.service_tier.clone());
        usage.and_then(anthropic::Usage::tier).or(of_openai)
    }

    pub fn region(&self) -> Option<String> {
        self.anthropic.as_ref()?.usage.as_ref()?.inference_geo.clone()
    }
}
