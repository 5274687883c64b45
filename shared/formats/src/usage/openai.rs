//! OpenAI's Chat Completions, Responses, Realtime, Embeddings and transcriptions. Mistral uses the format of Chat
//! Completions, and for OCR its own, which has no tokens.
//!
//! Input includes cached tokens and output includes reasoning (platform.openai.com/docs/api-reference/responses/object,
//! `usage`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::anthropic::Lifetimes;
use super::{Body, Response, perplexity, seconds};
use crate::call::{Call, used};
use crate::json::{Amount, Count, lenient, or_default};
use crate::tokens::{Input, Reported};

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
    /// Annotations cost more than recognition (mistral.ai/pricing), and the price book has no rate for them.
    pages_processed_annotation: Count,
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

/// The usage of all APIs, which name the same counts differently.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Usage {
    prompt_tokens: Option<Count>,
    input_tokens: Option<Count>,
    completion_tokens: Count,
    output_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: Details,
    #[serde(deserialize_with = "or_default")]
    input_tokens_details: Details,
    /// The spelling of the Realtime API and of transcriptions
    /// (platform.openai.com/docs/api-reference/realtime-server-events/response/done).
    #[serde(deserialize_with = "or_default")]
    input_token_details: Details,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: Details,
    #[serde(deserialize_with = "or_default")]
    output_tokens_details: Details,
    #[serde(deserialize_with = "or_default")]
    output_token_details: Details,
    total_tokens: Count,
    /// The length of a transcription that is billed by it (platform.openai.com/docs/api-reference/audio/json-object).
    seconds: Option<Amount>,
    /// Cached tokens, as Moonshot names them.
    cached_tokens: Count,
    /// Cached tokens, as `DeepSeek` names them.
    prompt_cache_hit_tokens: Count,
    /// Those of other providers, as LiteLLM's proxy reports them (`litellm/types/utils.py`, `Usage`).
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
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
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    /// The names of LiteLLM and of new-api.
    cache_creation_tokens: Count,
    cached_creation_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cache_creation_token_details: Lifetimes,
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cached_tokens_details: CachedDetails,
}

#[derive(Default, PartialEq, Eq, Deserialize)]
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
            (
                "annotation_pages",
                self.usage_info.as_ref().map_or(0, |usage| usage.pages_processed_annotation.0),
            ),
        ]);
        units.extend(extras.units(self.model.as_deref().unwrap_or_default()));
        if reported == Reported::default() {
            units.extend(seconds_heard.map(|seconds| ("audio_seconds", seconds.0)));
        }
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

/// The first details that state anything. Gateways send those of all APIs, of which they fill one
/// (<https://github.com/QuantumNous/new-api/blob/main/dto/openai_response.go>, `Usage`).
fn stated(details: [&Details; 3]) -> &Details {
    let stated = details.into_iter().find(|details| **details != Details::default());
    stated.unwrap_or(details[0])
}

fn most(counts: [Count; 4]) -> u64 {
    counts.into_iter().map(|Count(count)| count).max().unwrap_or_default()
}

impl Usage {
    fn reported(&self) -> Option<Reported> {
        let input =
            stated([&self.prompt_tokens_details, &self.input_tokens_details, &self.input_token_details]);
        let output = stated([
            &self.completion_tokens_details,
            &self.output_tokens_details,
            &self.output_token_details,
        ]);
        let reported = Reported {
            input: [self.prompt_tokens, self.input_tokens].into_iter().flatten().map(|Count(n)| n).max()?,
            output: self.completion_tokens.0.max(self.output_tokens.0),
            cache_read: most([
                input.cached_tokens,
                self.cached_tokens,
                self.prompt_cache_hit_tokens,
                self.cache_read_input_tokens,
            ]),
            cache_write: most([
                input.cache_write_tokens,
                input.cache_creation_tokens,
                input.cached_creation_tokens,
                self.cache_creation_input_tokens,
            ]),
            lifetimes: input.cache_creation_token_details.writes(),
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
