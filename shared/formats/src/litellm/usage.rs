//! What a call used: `metadata.usage_object` of a payload, and what LiteLLM's own price list calls units.

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::call::{Units, used};
use crate::json::{Amount, Count, lenient, or_default};
use crate::tokens::Reported;
use crate::usage::anthropic::Lifetimes;
use crate::usage::{google, perplexity};

/// The counts of the payload itself.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    pub input: u64,
    pub output: u64,
    pub total: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Usage {
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: PromptDetails,
    /// The spellings of transcriptions and of images.
    #[serde(deserialize_with = "or_default")]
    input_token_details: PromptDetails,
    #[serde(deserialize_with = "or_default")]
    input_tokens_details: PromptDetails,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: CompletionDetails,
    #[serde(deserialize_with = "or_default")]
    output_token_details: CompletionDetails,
    #[serde(deserialize_with = "or_default")]
    output_tokens_details: CompletionDetails,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    server_tool_use: ServerToolUse,
    #[serde(deserialize_with = "lenient")]
    pub service_tier: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub speed: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub inference_geo: Option<String>,
    /// Of a transcription, a video and a document.
    seconds: Amount,
    duration_seconds: Amount,
    #[serde(deserialize_with = "lenient")]
    video_count: Option<u64>,
    pages_processed: Count,
    pages_processed_annotation: Count,
    /// These are Perplexity's.
    citation_tokens: Count,
    reasoning_tokens: Count,
    num_search_queries: Count,
    #[serde(deserialize_with = "lenient")]
    search_context_size: Option<String>,
    #[serde(deserialize_with = "lenient")]
    cost: Option<perplexity::Cost>,
}

#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_creation_tokens: Count,
    cache_write_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cache_creation_token_details: Lifetimes,
    audio_tokens: Count,
    image_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cached_tokens_details: Modalities,
    web_search_requests: Count,
    google_maps_grounding_requests: Count,
}

#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Modalities {
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
    web_fetch_requests: Count,
}

impl Usage {
    pub fn reported(&self, totals: Totals) -> Reported {
        let (prompt, completion) = (self.prompt(), self.completion());
        let written =
            [self.cache_creation_input_tokens, prompt.cache_creation_tokens, prompt.cache_write_tokens];
        let reported = Reported {
            input: totals.input,
            output: totals.output,
            cache_read: self.cache_read_input_tokens.0.max(prompt.cached_tokens.0),
            cache_write: written.map(|Count(tokens)| tokens).into_iter().max().unwrap_or_default(),
            lifetimes: prompt.cache_creation_token_details.writes(),
            reasoning: completion.reasoning_tokens.0,
            total: totals.total,
            input_audio: prompt.audio_tokens.0,
            input_image: prompt.image_tokens.0,
            cache_read_audio: prompt.cached_tokens_details.audio_tokens.0,
            cache_read_image: prompt.cached_tokens_details.image_tokens.0,
            output_audio: completion.audio_tokens.0,
            output_image: completion.image_tokens.0,
        };
        reported.with_reasoning()
    }

    /// What is billed by count. LiteLLM counts every query of a grounded prompt, also where Google bills the prompt
    /// (`llms/gemini/cost_calculator.py`, `web_search_billing_unit`).
    pub fn units(&self, provider: &str, model: &str, has_tokens: bool) -> Units {
        let (tools, prompt) = (&self.server_tool_use, self.prompt());
        let searches = tools.web_search_requests.0.max(prompt.web_search_requests.0);
        let maps = prompt.google_maps_grounding_requests.0;
        let billed = |count: u64| if google::is_billed_by_prompt(model) { count.min(1) } else { count };
        let mut units = used([
            ("web_search", if provider == "perplexity" { 0 } else { billed(searches) }),
            ("web_fetch", tools.web_fetch_requests.0),
            ("maps_grounding", billed(maps)),
            ("pages", self.pages_processed.0),
            // A unit without a price: annotations cost more than recognition (mistral.ai/pricing).
            ("annotation_pages", self.pages_processed_annotation.0),
        ]);
        if provider == "perplexity" {
            units.extend(self.extras(searches).units(model));
        }
        let videos = self.video_count.unwrap_or_default().max(1);
        for (unit, amount) in [
            // Transcription is billed by its tokens or by its length, never by both.
            ("audio_seconds", if has_tokens { Decimal::ZERO } else { self.seconds.0 }),
            ("video_seconds", self.duration_seconds.0.saturating_mul(videos.into())),
        ] {
            if !amount.is_zero() {
                units.insert(unit, amount);
            }
        }
        units
    }

    /// The bill itself, where the provider's response states it.
    pub fn bill(&self, provider: &str) -> Option<String> {
        if provider == "perplexity" { self.extras(0).bill() } else { None }
    }

    fn prompt(&self) -> &PromptDetails {
        let details = [&self.prompt_tokens_details, &self.input_token_details];
        let stated = details.into_iter().find(|details| **details != PromptDetails::default());
        stated.unwrap_or(&self.input_tokens_details)
    }

    fn completion(&self) -> &CompletionDetails {
        let details = [&self.completion_tokens_details, &self.output_token_details];
        let stated = details.into_iter().find(|details| **details != CompletionDetails::default());
        stated.unwrap_or(&self.output_tokens_details)
    }

    fn extras(&self, searches: u64) -> perplexity::Extras<'_> {
        perplexity::Extras {
            citation_tokens: self.citation_tokens.0,
            reasoning_tokens: self.reasoning_tokens.0,
            search_queries: self.num_search_queries.0.max(searches),
            search_context_size: self.search_context_size.as_deref(),
            cost: self.cost,
        }
    }
}
