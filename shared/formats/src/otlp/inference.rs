//! Reads a model call from the attributes of a span or of a details event, by the conventions of OpenTelemetry (old and
//! new), OpenLLMetry, OpenInference and the AI SDK.

use serde::Deserialize;

use super::ai_sdk::ProviderMetadata;
use super::attributes::{Attributes, InvalidCount};
use crate::call::{Call, Status, Units, used};
use crate::tokens::{CacheWrites, Input, Reported};
use crate::{models, region};

/// New names before old ones. Sources: OpenTelemetry semantic conventions 1.30 to 1.45 (`docs/gen-ai`),
/// `opentelemetry-semantic-conventions-ai` 0.5, `openinference-semantic-conventions` 0.1.42, `ai` 5 and 6; `details` are
/// Pydantic AI's (`pydantic_ai/usage.py`, `opentelemetry_attributes`; pydantic/pydantic-ai#4364), `…_tokens_details` are
/// `OpenLIT`'s (`openlit/semcov/__init__.py`) and those of instrumentations that flatten OpenAI's usage object,
/// `cached_input_tokens` is Mastra's, `cached_tokens` is Rig's (`rig-core`), `llm.usage.*` OpenLLMetry's.
const PROVIDER: &[&str] =
    &["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"];
const MODEL: &[&str] = &[
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "embedding.model_name",
    "gen_ai.request.model",
    "llm.request.model_name",
    "ai.model.id",
];
const REQUEST_MODEL: &[&str] = &["gen_ai.request.model", "llm.request.model_name", "ai.model.id"];
const RESPONSE_ID: &[&str] = &["gen_ai.response.id", "ai.response.id", "response_id"];
const INPUT: &[&str] = &[
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
];
const OUTPUT: &[&str] = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
];
const CACHE_READ: &[&str] = &[
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_tokens",
    "gen_ai.usage.details.cached_content_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_read",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.input_tokens_details.cached_tokens",
    "gen_ai.usage.input_tokens_details.cached",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
];
const CACHE_WRITE: &[&str] = &[
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_write",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
];
const REASONING: &[&str] = &[
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.details.thoughts_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.output_tokens_details.reasoning_tokens",
    "gen_ai.usage.output_tokens_details.reasoning",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
];
const TOTAL: &[&str] =
    &["gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens"];
const INPUT_AUDIO: &[&str] = &[
    "gen_ai.usage.audio.input_tokens",
    "gen_ai.usage.details.input_audio_tokens",
    "llm.token_count.prompt_details.audio",
];
const CACHE_READ_AUDIO: &[&str] =
    &["gen_ai.usage.audio.cache_read.input_tokens", "gen_ai.usage.details.cache_audio_read_tokens"];
const OUTPUT_AUDIO: &[&str] = &[
    "gen_ai.usage.audio.output_tokens",
    "gen_ai.usage.details.output_audio_tokens",
    "gen_ai.usage.completion_tokens_details.audio",
    "llm.token_count.completion_details.audio",
];
const COST: &[&str] = &["litellm.cost.total", "llm.cost.total", "gen_ai.usage.cost"];
const SERVICE_TIER: &[&str] = &[
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "anthropic.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
];

/// A call without its agent and session, which its ancestors may state.
#[derive(Clone, Debug)]
pub struct Inference<'a> {
    pub call: Call,
    pub response_id: Option<&'a str>,
    /// Whether the emitter's input excluded cached tokens, against its convention.
    pub exclusive_input: bool,
    pub without_usage: bool,
}

/// The reason why an entry cannot be read as a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    Count(InvalidCount),
    NoModel,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::NoModel => f.write_str("A call should name its model in gen_ai.request.model"),
        }
    }
}

impl From<InvalidCount> for Unusable {
    fn from(count: InvalidCount) -> Self {
        Self::Count(count)
    }
}

/// Whether any attribute reports tokens.
pub fn has_usage(attributes: Attributes<'_>) -> bool {
    [INPUT, OUTPUT].concat().iter().any(|name| attributes.has(name))
}

/// Whether any attribute names a model.
pub fn has_model(attributes: Attributes<'_>) -> bool {
    attributes.text(MODEL).is_some()
}

pub fn read(attributes: Attributes<'_>, failed: bool) -> Result<Inference<'_>, Unusable> {
    let invocation = Invocation::of(attributes);
    let model = attributes.text(MODEL).map(|model| {
        let request = attributes.text(REQUEST_MODEL);
        models::without_proxy(models::with_geography(model, request)).to_owned()
    });
    let model = model.or(invocation.model);
    // A call without a provider is still counted, and shows up under the provider `unknown`.
    let provider = attributes.text(PROVIDER).unwrap_or("unknown");
    let model = model.ok_or(Unusable::NoModel)?;
    let metadata = ProviderMetadata::of(attributes);
    let mut reported = reported(attributes, provider)?;
    metadata.complete(&mut reported);
    let convention = if metadata.excludes_cached() && !has_input_details(attributes) {
        // Its total is no more than the sum of what it calls input and output.
        reported.total = 0;
        Input::Exclusive
    } else {
        convention(attributes)?
    };
    let input = reported.input_kind(convention);
    let tokens = reported.tokens(input);
    let status = if failed || attributes.has("error.type") { Status::Error } else { Status::Ok };
    let call = Call {
        provider: called(provider, &model).to_owned(),
        units: units(attributes, &metadata, &model),
        model,
        tokens,
        status,
        service_tier: service_tier(attributes, invocation.service_tier, &metadata),
        region: metadata.region().or_else(|| region(attributes)),
        reported_cost: attributes.decimal(COST),
        ..Call::default()
    };
    Ok(Inference {
        call,
        response_id: attributes.text(RESPONSE_ID),
        exclusive_input: input == Input::Exclusive && convention == Input::Inclusive,
        without_usage: status == Status::Ok && tokens.is_empty(),
    })
}

/// All conventions say that the input includes cached tokens. The AI SDK also states the uncached part. If that equals
/// the input, the provider's package does not follow the convention.
fn convention(attributes: Attributes<'_>) -> Result<Input, InvalidCount> {
    let uncached = attributes.count(&["ai.usage.inputTokenDetails.noCacheTokens"])?;
    let exclusive = uncached.is_some() && uncached == attributes.count(INPUT)?;
    Ok(if exclusive { Input::Exclusive } else { Input::Inclusive })
}

/// Whether the AI SDK states the parts of its input, as it does since version 6.
fn has_input_details(attributes: Attributes<'_>) -> bool {
    ["noCacheTokens", "cacheReadTokens", "cacheWriteTokens"]
        .into_iter()
        .any(|part| attributes.has(&format!("ai.usage.inputTokenDetails.{part}")))
}

/// The provider that was called. Strands names itself instead (`strands/telemetry/tracer.py`). Its default is Bedrock,
/// which the id of the model confirms.
fn called<'a>(provider: &'a str, model: &str) -> &'a str {
    let is_strands = matches!(provider, "strands-agents" | "strands");
    if is_strands && models::is_at_bedrock(model) { "aws" } else { provider }
}

fn service_tier(
    attributes: Attributes<'_>,
    asked: Option<String>,
    metadata: &ProviderMetadata,
) -> Option<String> {
    attributes.text(SERVICE_TIER).map(str::to_owned).or_else(|| metadata.service_tier()).or(asked)
}

fn reported(attributes: Attributes<'_>, provider: &str) -> Result<Reported, InvalidCount> {
    let count = |names| attributes.count(names).map(Option::unwrap_or_default);
    let mut reported = Reported {
        input: count(INPUT)?,
        output: count(OUTPUT)?,
        cache_read: count(CACHE_READ)?,
        cache_write: count(CACHE_WRITE)?,
        lifetimes: CacheWrites {
            m5: count(&["anthropic.usage.cache_creation.ephemeral_5m_input_tokens"])?,
            h1: count(&["anthropic.usage.cache_creation.ephemeral_1h_input_tokens"])?,
            ..CacheWrites::default()
        },
        reasoning: count(REASONING)?,
        total: count(TOTAL)?,
        input_audio: count(INPUT_AUDIO)?,
        input_image: count(&["gen_ai.usage.image.input_tokens"])?,
        cache_read_audio: count(CACHE_READ_AUDIO)?,
        cache_read_image: count(&["gen_ai.usage.image.cache_read.input_tokens"])?,
        output_audio: count(OUTPUT_AUDIO)?,
        output_image: count(&["gen_ai.usage.image.output_tokens"])?,
    };
    if is_google(provider) {
        // Some instrumentations leave Gemini's thoughts out of the output, although they are billed and part of the
        // total.
        let stated = reported.input.saturating_add(reported.output);
        reported.output = reported.output.saturating_add(reported.total.saturating_sub(stated));
    }
    Ok(reported.with_reasoning())
}

fn is_google(provider: &str) -> bool {
    ["google", "gemini", "gcp.", "vertex"].iter().any(|prefix| provider.starts_with(prefix))
}

/// The parameters of a request, which OpenInference reports as JSON. No other attribute of it names the model of a
/// failed call, or a service tier.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Invocation {
    model: Option<String>,
    service_tier: Option<String>,
}

impl Invocation {
    fn of(attributes: Attributes<'_>) -> Self {
        let text = attributes.text(&["llm.invocation_parameters", "embedding.invocation_parameters"]);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// The billed units. OpenInference reports Anthropic's server tools in the span's metadata.
fn units(attributes: Attributes<'_>, of_response: &ProviderMetadata, model: &str) -> Units {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Metadata {
        server_tool_use: ServerToolUse,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ServerToolUse {
        web_search_requests: u64,
        web_fetch_requests: u64,
    }
    let metadata: Option<Metadata> =
        attributes.text(&["metadata"]).and_then(|text| serde_json::from_str(text).ok());
    let tools = metadata.unwrap_or_default().server_tool_use;
    let mut units = of_response.units(model);
    units.extend(used([("web_search", tools.web_search_requests), ("web_fetch", tools.web_fetch_requests)]));
    units
}

/// The region of a call to a regional endpoint, from its host name.
fn region(attributes: Attributes<'_>) -> Option<String> {
    let names = ["server.address", "net.peer.name", "gen_ai.openai.api_base"];
    names.into_iter().find_map(|name| region::of_endpoint(attributes.text(&[name])?)).map(str::to_owned)
}
