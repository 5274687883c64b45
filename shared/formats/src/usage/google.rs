//! Google's `GenerateContent`, of the Gemini API and of Vertex AI, in the camel case of HTTP or the snake case of the
//! SDKs.
//!
//! The prompt's count includes cached content. The prompt of tool use and the thoughts are counted separately
//! (ai.google.dev/api/generate-content, `UsageMetadata`).

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Body, Response};
use crate::call::{Call, Units, used};
use crate::json::{Count, lenient, or_default};
use crate::spelling::{Spellings, unify};
use crate::tokens::{Input, Reported};

/// The SDKs' snake case, and the names of a usage object with its model.
const RESPONSE: Spellings = &[
    ("responseId", "response_id"),
    ("responseId", "id"),
    ("modelVersion", "model_version"),
    ("modelVersion", "model"),
    ("createTime", "create_time"),
    ("createTime", "created"),
    ("usageMetadata", "usage_metadata"),
    ("usageMetadata", "usage"),
];
/// The Live API speaks of responses instead of candidates (ai.google.dev/api/live, `UsageMetadata`). The Interactions API
/// has names of its own (<https://googleapis.github.io/js-genai/release_docs>, `Interactions.Usage`).
const USAGE: Spellings = &[
    ("promptTokenCount", "prompt_token_count"),
    ("cachedContentTokenCount", "cached_content_token_count"),
    ("candidatesTokenCount", "candidates_token_count"),
    ("candidatesTokenCount", "responseTokenCount"),
    ("candidatesTokenCount", "response_token_count"),
    ("thoughtsTokenCount", "thoughts_token_count"),
    ("toolUsePromptTokenCount", "tool_use_prompt_token_count"),
    ("promptTokensDetails", "prompt_tokens_details"),
    ("cacheTokensDetails", "cache_tokens_details"),
    ("candidatesTokensDetails", "candidates_tokens_details"),
    ("candidatesTokensDetails", "responseTokensDetails"),
    ("candidatesTokensDetails", "response_tokens_details"),
    ("promptTokenCount", "total_input_tokens"),
    ("cachedContentTokenCount", "total_cached_tokens"),
    ("candidatesTokenCount", "total_output_tokens"),
    ("thoughtsTokenCount", "total_thought_tokens"),
    ("toolUsePromptTokenCount", "total_tool_use_tokens"),
    ("promptTokensDetails", "input_tokens_by_modality"),
    ("cacheTokensDetails", "cached_tokens_by_modality"),
    ("candidatesTokensDetails", "output_tokens_by_modality"),
    ("groundingToolCount", "grounding_tool_count"),
    ("trafficType", "traffic_type"),
    ("serviceTier", "service_tier"),
];
const MODALITY: Spellings = &[("tokenCount", "token_count"), ("tokenCount", "tokens")];
const CANDIDATE: Spellings = &[("groundingMetadata", "grounding_metadata")];
const GROUNDING: Spellings =
    &[("webSearchQueries", "web_search_queries"), ("groundingChunks", "grounding_chunks")];

#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct Content {
    #[serde(default, deserialize_with = "lenient")]
    response_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    model_version: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    create_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage_metadata: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    candidates: Option<Vec<Candidate>>,
}

#[derive(Default, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", default)]
pub struct Usage {
    prompt_token_count: Option<Count>,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    tool_use_prompt_token_count: Count,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: Vec<Modality>,
    #[serde(deserialize_with = "or_default")]
    cache_tokens_details: Vec<Modality>,
    #[serde(deserialize_with = "or_default")]
    candidates_tokens_details: Vec<Modality>,
    #[serde(deserialize_with = "or_default")]
    grounding_tool_count: Vec<ToolCount>,
    #[serde(deserialize_with = "lenient")]
    traffic_type: Option<String>,
    #[serde(deserialize_with = "lenient")]
    service_tier: Option<String>,
}

#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase")]
struct Modality {
    #[serde(default, deserialize_with = "lenient")]
    modality: Option<String>,
    #[serde(default)]
    token_count: Count,
}

/// The searches of an interaction (<https://googleapis.github.io/js-genai/release_docs>, `GroundingToolCount`).
#[derive(Deserialize)]
struct ToolCount {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default)]
    count: Count,
}

#[derive(Deserialize)]
#[serde(remote = "Self")]
struct Candidate {
    #[serde(default, rename = "groundingMetadata", deserialize_with = "or_default")]
    grounding: Grounding,
}

#[derive(Default, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", default)]
pub struct Grounding {
    #[serde(deserialize_with = "or_default")]
    web_search_queries: Vec<Option<String>>,
    #[serde(rename = "groundingChunks", deserialize_with = "or_default")]
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    web: Option<IgnoredAny>,
    #[serde(default)]
    maps: Option<IgnoredAny>,
}

unify!(Content, RESPONSE);
unify!(Usage, USAGE);
unify!(Modality, MODALITY);
unify!(Candidate, CANDIDATE);
unify!(Grounding, GROUNDING);

impl Body<'_> for Content {
    type Usage = Usage;

    fn has_usage(&self) -> bool {
        self.usage_metadata.is_some()
    }

    fn set_usage(&mut self, usage: Usage) {
        self.usage_metadata = Some(usage);
    }

    fn response(self) -> Result<Response, &'static str> {
        let usage = self.usage_metadata.as_ref();
        let usage = usage.and_then(|usage| Some((usage, usage.prompt_token_count?)));
        let (usage, prompt) = usage.ok_or("Entry should have a usageMetadata with promptTokenCount")?;
        let of = |details: &[Modality], wanted: &str| {
            let is_wanted = |name: &String| name.eq_ignore_ascii_case(wanted);
            let tokens = details.iter().filter(|detail| detail.modality.as_ref().is_some_and(is_wanted));
            tokens.fold(0_u64, |sum, detail| sum.saturating_add(detail.token_count.0))
        };
        let reported = Reported {
            input: prompt.0.saturating_add(usage.tool_use_prompt_token_count.0),
            output: usage.candidates_token_count.0.saturating_add(usage.thoughts_token_count.0),
            cache_read: usage.cached_content_token_count.0,
            reasoning: usage.thoughts_token_count.0,
            input_audio: of(&usage.prompt_tokens_details, "AUDIO"),
            input_image: of(&usage.prompt_tokens_details, "IMAGE"),
            cache_read_audio: of(&usage.cache_tokens_details, "AUDIO"),
            cache_read_image: of(&usage.cache_tokens_details, "IMAGE"),
            output_audio: of(&usage.candidates_tokens_details, "AUDIO"),
            output_image: of(&usage.candidates_tokens_details, "IMAGE"),
            ..Reported::default()
        };
        let groundings = self.candidates.iter().flatten().map(|candidate| &candidate.grounding);
        let model = self.model_version.as_deref();
        let mut units = searches(&groundings.collect::<Vec<_>>(), model);
        units.extend(usage.searches(model));
        Ok(Response {
            call: Call {
                tokens: reported.tokens(Input::Inclusive),
                units,
                service_tier: usage.tier(),
                ..Call::default()
            },
            id: self.response_id,
            time: self.create_time,
            model: self.model_version,
            others: Vec::new(),
        })
    }
}

impl Grounding {
    fn has_maps(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.maps.is_some())
    }

    /// Queries of an answer that has places and no pages were asked of Google Maps.
    fn asks_maps(&self) -> bool {
        self.has_maps() && self.chunks.iter().all(|chunk| chunk.web.is_none())
    }
}

/// The billed searches of the web and of maps of a response. Until Gemini 2 each grounded prompt is billed, from
/// Gemini 3 on each distinct query (ai.google.dev/gemini-api/docs/google-search; BerriAI/litellm#36377 has Google's invoice).
pub fn searches(groundings: &[&Grounding], model: Option<&str>) -> Units {
    let distinct = |of_maps: bool| {
        let queries = groundings.iter().filter(|grounding| grounding.asks_maps() == of_maps);
        let queries = queries.flat_map(|grounding| grounding.web_search_queries.iter().flatten());
        let queries: HashSet<&str> = queries.map(String::as_str).filter(|query| !query.is_empty()).collect();
        u64::try_from(queries.len()).unwrap_or(u64::MAX)
    };
    let has_maps = groundings.iter().any(|grounding| grounding.has_maps());
    let by_prompt = model.is_none_or(is_billed_by_prompt);
    let billed = |count: u64| if by_prompt { count.min(1) } else { count };
    let maps = if has_maps { distinct(true).max(1) } else { 0 };
    used([("web_search", billed(distinct(false))), ("maps_grounding", billed(maps))])
}

/// Whether grounding is billed by the prompt with this model, as it was until Gemini 3.
pub fn is_billed_by_prompt(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let generation = name.strip_prefix("gemini-").map(|name| name.trim_start_matches("live-"));
    generation.is_some_and(|generation| generation.starts_with(['1', '2']))
}

impl Usage {
    /// The searches of an interaction.
    fn searches(&self, model: Option<&str>) -> Units {
        let by_prompt = model.is_none_or(is_billed_by_prompt);
        let billed = |kind: &str| {
            let counts = self.grounding_tool_count.iter().filter(|tool| tool.kind.as_deref() == Some(kind));
            let count = counts.fold(0_u64, |sum, tool| sum.saturating_add(tool.count.0));
            if by_prompt { count.min(1) } else { count }
        };
        used([("web_search", billed("google_search")), ("maps_grounding", billed("google_maps"))])
    }

    /// The service tier. Vertex AI names it `ON_DEMAND_PRIORITY`, the Gemini API `priority`.
    fn tier(&self) -> Option<String> {
        let traffic = self.traffic_type.as_deref().map(str::to_lowercase);
        let traffic = traffic.map(|traffic| match traffic.strip_prefix("on_demand_") {
            Some(tier) => tier.to_owned(),
            None => traffic,
        });
        self.service_tier.as_deref().map(str::to_lowercase).or(traffic)
    }
}
