//! OpenAI's Chat Completions, Responses, Realtime, Embeddings and transcriptions. Mistral uses the format of Chat
//! Completions, and for OCR its own, which has no tokens.
//!
//! Input includes cached tokens and output includes reasoning (platform.openai.com/docs/api-reference/responses/object,
//! `usage`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::anthropic::Lifetimes;
use super::{Body, Response, perplexity, seconds};
use crate::call::{Call, Status, Units, used};
use crate::json::{Amount, Count, lenient, or_default};
use crate::spelling::{Spellings, unify};
use crate::tokens::{Input, Reported};

/// Chat Completions and Responses name the same counts differently; gateways that serve both write the names of both, one
/// of them with zeros (`QuantumNous/new-api`, `dto/openai_response.go`). The Realtime API and transcriptions have a third
/// spelling of the details (platform.openai.com/docs/api-reference/realtime-server-events/response/done). Cached tokens
/// are named as by Moonshot, `DeepSeek` and LiteLLM's proxy (`litellm/types/utils.py`, `Usage`).
const USAGE: Spellings = &[
    ("prompt_tokens", "input_tokens"),
    ("completion_tokens", "output_tokens"),
    ("prompt_tokens_details", "input_tokens_details"),
    ("prompt_tokens_details", "input_token_details"),
    ("completion_tokens_details", "output_tokens_details"),
    ("completion_tokens_details", "output_token_details"),
    ("cached_tokens", "prompt_cache_hit_tokens"),
    ("cached_tokens", "cache_read_input_tokens"),
    ("cache_write_tokens", "cache_creation_input_tokens"),
];
/// The names of LiteLLM, of new-api and of `DashScope` (<https://help.aliyun.com/zh/model-studio/context-cache>).
const DETAILS: Spellings = &[
    ("cache_write_tokens", "cache_creation_tokens"),
    ("cache_write_tokens", "cached_creation_tokens"),
    ("cache_write_tokens", "cache_creation_input_tokens"),
];

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
    #[serde(default, deserialize_with = "lenient")]
    x_groq: Option<Groq>,
    /// The state of a response of the Responses API.
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
}

/// The usage of a stream, which Groq puts here in its last chunk (<https://github.com/groq/groq-python>,
/// `chat_completion_chunk.py`, `XGroq`).
#[derive(Deserialize)]
struct Groq {
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Usage>,
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

#[derive(Default, Deserialize)]
#[serde(remote = "Self", default)]
pub struct Usage {
    prompt_tokens: Option<Count>,
    completion_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: Details,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: Details,
    total_tokens: Count,
    /// The length of a transcription that is billed by it (platform.openai.com/docs/api-reference/audio/json-object).
    seconds: Option<Amount>,
    cached_tokens: Count,
    cache_write_tokens: Count,
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
#[serde(remote = "Self", default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    cache_creation_token_details: Lifetimes,
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

unify!(Usage, USAGE);
unify!(Details, DETAILS);

impl<'a> Body<'a> for Completion<'a> {
    type Usage = Usage;

    fn has_usage(&self) -> bool {
        self.usage().is_some() || self.pages().is_some()
    }

    fn set_usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    fn response(self) -> Result<Response, &'static str> {
        let failed = self.failed();
        let has_units = self.pages().is_some() || self.usage().is_some_and(|usage| usage.seconds.is_some());
        let reported = self
            .usage()
            .and_then(Usage::reported)
            .or_else(|| (has_units || failed).then(Reported::default))
            .ok_or("Entry should have a usage with its input tokens")?;
        let times = [self.completed_at, self.created_at, self.created];
        Ok(Response {
            call: Call {
                tokens: reported.tokens(reported.input_kind(Input::Inclusive)),
                units: self.units(reported == Reported::default()),
                cost_usd: self.usage().and_then(|usage| usage.extras().bill()),
                status: if failed { Status::Error } else { Status::Ok },
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
    /// What is billed by count. Audio is billed by its length only where tokens are not reported.
    fn units(&self, without_tokens: bool) -> Units {
        let tool = |kind: &str| {
            let items = self.output.iter().flatten().filter(|item| item.kind == kind && item.is_billed());
            u64::try_from(items.count()).unwrap_or(u64::MAX)
        };
        let annotated = self.usage_info.as_ref().map_or(0, |usage| usage.pages_processed_annotation.0);
        let mut units = used([
            ("web_search", tool("web_search_call")),
            ("file_search", tool("file_search_call")),
            ("pages", self.pages().unwrap_or_default()),
            ("annotation_pages", annotated),
        ]);
        if let Some(usage) = self.usage() {
            units.extend(usage.extras().units(self.model.as_deref().unwrap_or_default()));
            let audio = usage.seconds.filter(|_| without_tokens);
            units.extend(audio.map(|seconds| ("audio_seconds", seconds.0)));
        }
        units
    }

    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref().or_else(|| self.x_groq.as_ref()?.usage.as_ref())
    }

    /// Whether the response failed, which may leave it without a usage
    /// (<https://platform.openai.com/docs/api-reference/responses/object>, `status`).
    fn failed(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "cancelled"))
    }

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
            cache_read: input.cached_tokens.0.max(self.cached_tokens.0),
            cache_write: input.cache_write_tokens.0.max(self.cache_write_tokens.0),
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
