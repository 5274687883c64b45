//! OpenAI's Chat Completions, Responses, Realtime, Embeddings and transcriptions. Mistral uses the format of Chat
//! Completions, and for OCR its own, which has no tokens.
//!
//! Input includes cached tokens and output includes reasoning (platform.openai.com/docs/api-reference/responses/object,
//! `usage`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Body, Response, perplexity, seconds};
use crate::call::{Call, used};
use crate::json::{Amount, Count, lenient, or_default};
use crate::tokens::{CacheWrites, Input, Reported};

#[derive(Deserialize)]
pub struct Completion<'a> {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(borrow, default)]
    created: Option<&'a RawValue>,
    #[serde(borrow, default)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    completed_at: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    service_tier: Option<String>,
    /// The output of the Responses API, which includes the tool calls.
    #[serde(default, deserialize_with = "lenient")]
    output: Option<Vec<Item>>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    usage_info: Option<PageUsage>,
}

/// What Mistral's OCR is billed by (docs.mistral.ai/api, `OCRUsageInfo`).
#[derive(Default, Deserialize)]
#[serde(default)]
struct PageUsage {
    pages_processed: Option<Count>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    action: Option<Action>,
}

/// What a tool call did. A search is billed; opening a page or finding text on it is not.
#[derive(Deserialize)]
struct Action {
    #[serde(default, rename = "type")]
    kind: String,
}

impl Item {
    fn is_billed(&self) -> bool {
        self.action
            .as_ref()
            .is_none_or(|action| !matches!(action.kind.as_str(), "open_page" | "find_in_page" | "find"))
    }
}

/// The usage of both APIs, which name the same counts differently.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Option<Count>,
    #[serde(alias = "output_tokens")]
    completion_tokens: Count,
    /// The Realtime API and transcriptions have a third spelling
    /// (platform.openai.com/docs/api-reference/realtime-server-events/response/done).
    #[serde(alias = "input_tokens_details", alias = "input_token_details", deserialize_with = "or_default")]
    prompt_tokens_details: Details,
    #[serde(
        alias = "output_tokens_details",
        alias = "output_token_details",
        deserialize_with = "or_default"
    )]
    completion_tokens_details: Details,
    total_tokens: Count,
    /// The length of a transcription that is billed by it (platform.openai.com/docs/api-reference/audio/json-object).
    seconds: Option<Amount>,
    /// Cached tokens, as Moonshot names them.
    cached_tokens: Count,
    /// Cached tokens, as `DeepSeek` names them.
    prompt_cache_hit_tokens: Count,
    /// These are Perplexity's.
    citation_tokens: Count,
    reasoning_tokens: Count,
    num_search_queries: Count,
    #[serde(deserialize_with = "lenient")]
    search_context_size: Option<String>,
    #[serde(deserialize_with = "lenient")]
    cost: Option<perplexity::Cost>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cached_tokens_details: CachedDetails,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CachedDetails {
    audio_tokens: Count,
    image_tokens: Count,
}

impl<'a> Body<'a> for Completion<'a> {
    type Usage = Usage;

    fn has_usage(&self) -> bool {
        self.usage.is_some() || self.pages().is_some()
    }

    fn set_usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    fn response(self) -> Result<Response, &'static str> {
        let tool = |kind: &str| {
            let items = self.output.iter().flatten().filter(|item| item.kind == kind && item.is_billed());
            u64::try_from(items.count()).unwrap_or(u64::MAX)
        };
        let (pages, seconds_heard) = (self.pages(), self.usage.as_ref().and_then(|usage| usage.seconds));
        let has_units = pages.is_some() || seconds_heard.is_some();
        let reported = self
            .usage
            .as_ref()
            .and_then(Usage::reported)
            .or_else(|| has_units.then(Reported::default))
            .ok_or("Entry should have a usage with its input tokens")?;
        let times = [self.completed_at, self.created_at, self.created];
        let extras = self.usage.as_ref().map(Usage::extras).unwrap_or_default();
        let mut units = used([
            ("web_search", tool("web_search_call")),
            ("file_search", tool("file_search_call")),
            ("pages", pages.unwrap_or_default()),
        ]);
        units.extend(extras.units(self.model.as_deref().unwrap_or_default()));
        units.extend(seconds_heard.map(|seconds| ("audio_seconds", seconds.0)));
        Ok(Response {
            call: Call {
                tokens: reported.tokens(reported.input_kind(Input::Inclusive)),
                units,
                cost_usd: extras.bill(),
                service_tier: self.service_tier,
                ..Call::default()
            },
            id: self.id,
            time: times.into_iter().find_map(seconds),
            model: self.model,
            others: Vec::new(),
        })
    }
}

impl Completion<'_> {
    fn pages(&self) -> Option<u64> {
        Some(self.usage_info.as_ref()?.pages_processed?.0)
    }
}

impl Usage {
    fn reported(&self) -> Option<Reported> {
        let (input, output) = (&self.prompt_tokens_details, &self.completion_tokens_details);
        let reported = Reported {
            input: self.prompt_tokens?.0,
            output: self.completion_tokens.0,
            cache_read: input.cached_tokens.0.max(self.cached_tokens.0).max(self.prompt_cache_hit_tokens.0),
            cache_write: input.cache_write_tokens.0,
            lifetimes: CacheWrites::default(),
            reasoning: output.reasoning_tokens.0,
            total: self.total_tokens.0,
            input_audio: input.audio_tokens.0,
            input_image: input.image_tokens.0,
            cache_read_audio: input.cached_tokens_details.audio_tokens.0,
            cache_read_image: input.cached_tokens_details.image_tokens.0,
            output_audio: output.audio_tokens.0,
            output_image: output.image_tokens.0,
        };
        Some(reported.with_reasoning())
    }

    fn extras(&self) -> perplexity::Extras<'_> {
        perplexity::Extras {
            citation_tokens: self.citation_tokens.0,
            reasoning_tokens: self.reasoning_tokens.0,
            search_queries: self.num_search_queries.0,
            search_context_size: self.search_context_size.as_deref(),
            cost: self.cost,
        }
    }
}
