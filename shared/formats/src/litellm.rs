//! Payloads of LiteLLM's `generic_api` callback: `StandardLoggingPayload` of LiteLLM 1.110.
//!
//! LiteLLM does not retry by default and drops a failed batch, so an unusable entry is rejected alone. Its
//! `prompt_tokens` include cached tokens for every provider, even for those that report them separately.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::call::{Call, Identity, Status, add_tag};
use crate::json::{Count, decimal, entries, lenient, or_default};
use crate::text::{self, filled};
use crate::tokens::{CacheWrites, Input, Reported};
use crate::{Translation, Unreadable, time};

/// The `source` of all events.
const SOURCE: &str = "litellm";

type Text<'a> = Option<Cow<'a, str>>;

/// The fields of a payload that are read. `messages` and `response` are skipped.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    litellm_call_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    model: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    custom_llm_provider: Text<'a>,
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(borrow, default)]
    response_cost: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    cost_finalized: Option<bool>,
    #[serde(default)]
    zero_cost_diagnostic: Option<IgnoredAny>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    status: Text<'a>,
    #[serde(borrow, default)]
    cache_hit: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    model_map_information: ModelMap<'a>,
    #[serde(rename = "startTime", borrow, default)]
    start_time: Option<&'a RawValue>,
    #[serde(rename = "endTime", borrow, default)]
    end_time: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    request_tags: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    end_user: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    session_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    metadata: Metadata<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    model_parameters: Option<Parameters<'a>>,
}

/// LiteLLM's own price list entry for the model.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ModelMap<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    model_map_value: ModelInfo<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    litellm_provider: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModelInfo<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    litellm_provider: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    user_api_key_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    user_api_key_team_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    user_api_key_org_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    user_api_key_project_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    spend_logs_metadata: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(deserialize_with = "or_default")]
    usage_object: Usage,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    user: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    service_tier: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: PromptDetails,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: CompletionDetails,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    #[serde(deserialize_with = "or_default")]
    server_tool_use: ServerToolUse,
    #[serde(deserialize_with = "lenient")]
    service_tier: Option<String>,
    #[serde(deserialize_with = "lenient")]
    speed: Option<String>,
    #[serde(deserialize_with = "lenient")]
    inference_geo: Option<String>,
}

#[derive(Default, Deserialize)]
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
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lifetimes {
    ephemeral_5m_input_tokens: Count,
    ephemeral_30m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
    ephemeral_12h_input_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Modalities {
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Default, Deserialize)]
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

/// Translates a batch: a list, ndjson, or one payload.
pub fn translate(body: &[u8]) -> Result<Translation, Unreadable> {
    let mut translation = Translation::default();
    for (index, entry) in entries(body)?.iter().enumerate() {
        match serde_json::from_str::<Payload<'_>>(entry) {
            // LiteLLM sends null if it failed to build the payload.
            Err(fault) => {
                translation.refuse(
                    SOURCE,
                    index,
                    format!("Entry should be a StandardLoggingPayload: {fault}"),
                );
            }
            Ok(payload) => match payload.identity() {
                Err(reason) => translation.refuse(SOURCE, index, reason),
                Ok((identity, model)) => {
                    let call = payload.call(model);
                    let no_usage = payload.billed() && call.tokens.is_empty();
                    translation.source(SOURCE).without_usage += usize::from(no_usage);
                    translation.events.push(call.into_event(SOURCE, index, &identity));
                }
            },
        }
    }
    Ok(translation)
}

impl Payload<'_> {
    /// All attempts of a request share the call's id, so the id of a failed attempt includes its start time.
    fn identity(&self) -> Result<(Identity, &str), &'static str> {
        let id = or(&self.litellm_call_id, &self.id).ok_or("Entry should have a litellm_call_id")?;
        let id = if self.failed() {
            format!("{id}/failed/{}", self.start_time.map_or("", RawValue::get))
        } else {
            id.to_owned()
        };
        let time = self.end_time.and_then(decimal).and_then(time::of_seconds);
        let time = time.ok_or("Entry should have an endTime in seconds")?;
        let id = text::id(&id).ok_or("Entry should have a litellm_call_id")?;
        let model = self.model.as_deref().and_then(filled).ok_or("Entry should name its model")?;
        Ok((Identity { source: SOURCE.to_owned(), id, time }, model))
    }

    fn failed(&self) -> bool {
        self.status.as_deref() == Some("failure")
    }

    /// Some releases and exports write the flag as a string.
    fn is_cached(&self) -> bool {
        self.cache_hit.is_some_and(|hit| hit.get().trim_matches('"').eq_ignore_ascii_case("true"))
    }

    /// The provider that LiteLLM called. Payloads that leave it out name it in LiteLLM's price list entry or in the
    /// model's prefix.
    fn provider(&self, model: &str) -> String {
        let map = &self.model_map_information;
        let stated =
            [&self.custom_llm_provider, &map.model_map_value.litellm_provider, &map.litellm_provider];
        let stated = stated.into_iter().find_map(|name| name.as_deref().and_then(filled));
        let prefix = || model.split_once('/').map(|(prefix, _)| prefix).filter(|prefix| !prefix.is_empty());
        stated.or_else(prefix).unwrap_or("unknown").to_owned()
    }

    fn billed(&self) -> bool {
        !self.failed() && !self.is_cached()
    }

    fn call(&self, model: &str) -> Call {
        let metadata = &self.metadata;
        let usage = &metadata.usage_object;
        let end_user = self.end_user.as_deref().and_then(filled);
        let user = self.model_parameters.as_ref().and_then(|parameters| parameters.user.as_deref());
        let agent = metadata.user_api_key_alias.as_deref().and_then(text::id);
        let mut call = Call {
            agent_id: agent.unwrap_or_else(|| SOURCE.to_owned()),
            provider: self.provider(model),
            model: model.to_owned(),
            latency_ms: self.latency_ms(),
            status: if self.failed() { Status::Error } else { Status::Ok },
            service_tier: self.service_tier(),
            region: usage.inference_geo.clone(),
            end_user: end_user.or(user).map(str::to_owned),
            conversation_id: self.session_id.as_deref().and_then(filled).map(str::to_owned),
            tags: self.tags(),
            revision: u64::from(self.cost_finalized == Some(true)),
            ..Call::default()
        };
        if self.is_cached() {
            // LiteLLM's own cache answered: the tokens are those of the call that filled it, and nothing was billed.
            call.cost_usd = Some("0");
            add_tag(&mut call.tags, "cache_hit", "true");
        } else {
            let reported = self.reported();
            call.tokens = reported.tokens(reported.input_kind(Input::Inclusive));
            call.units = units(usage);
            call.reported_cost = self.reported_cost();
        }
        call
    }

    fn reported(&self) -> Reported {
        let Usage { prompt_tokens_details: prompt, completion_tokens_details: completion, .. } =
            &self.metadata.usage_object;
        let usage = &self.metadata.usage_object;
        let lifetimes = &prompt.cache_creation_token_details;
        let written =
            [usage.cache_creation_input_tokens, prompt.cache_creation_tokens, prompt.cache_write_tokens];
        Reported {
            input: self.prompt_tokens.0,
            output: self.completion_tokens.0,
            cache_read: usage.cache_read_input_tokens.0.max(prompt.cached_tokens.0),
            cache_write: written.map(|Count(tokens)| tokens).into_iter().max().unwrap_or_default(),
            lifetimes: CacheWrites {
                m5: lifetimes.ephemeral_5m_input_tokens.0,
                m30: lifetimes.ephemeral_30m_input_tokens.0,
                h1: lifetimes.ephemeral_1h_input_tokens.0,
                h12: lifetimes.ephemeral_12h_input_tokens.0,
            },
            reasoning: completion.reasoning_tokens.0,
            total: 0,
            input_audio: prompt.audio_tokens.0,
            input_image: prompt.image_tokens.0,
            cache_read_audio: prompt.cached_tokens_details.audio_tokens.0,
            cache_read_image: prompt.cached_tokens_details.image_tokens.0,
            output_audio: completion.audio_tokens.0,
            output_image: completion.image_tokens.0,
        }
    }

    /// The cost that LiteLLM computed. A zero with a diagnostic is an unknown price, not a price of zero.
    fn reported_cost(&self) -> Option<Decimal> {
        let cost = decimal(self.response_cost?).filter(|cost| self.billed() && !cost.is_sign_negative())?;
        (!cost.is_zero() || self.zero_cost_diagnostic.is_none()).then_some(cost)
    }

    /// The tier of the response, else that of the request.
    fn service_tier(&self) -> Option<String> {
        let usage = &self.metadata.usage_object;
        let fast = usage.speed.as_deref().filter(|speed| *speed == "fast");
        let asked = || self.model_parameters.as_ref()?.service_tier.as_deref();
        fast.or(usage.service_tier.as_deref()).or_else(asked).map(str::to_owned)
    }

    fn latency_ms(&self) -> Option<u64> {
        let [start, end] = [self.start_time, self.end_time].map(|time| time.and_then(decimal));
        let millis = end?.checked_sub(start?)?.checked_mul(Decimal::from(1000))?;
        u64::try_from(millis.trunc()).ok()
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let (mut tags, metadata) = (BTreeMap::new(), &self.metadata);
        for (name, value) in [
            ("key", &metadata.user_api_key_alias),
            ("team", &metadata.user_api_key_team_alias),
            ("organization", &metadata.user_api_key_org_alias),
            ("project", &metadata.user_api_key_project_alias),
        ] {
            add_tag(&mut tags, name, value.as_deref().unwrap_or_default());
        }
        for (name, value) in metadata.spend_logs_metadata.iter().flatten() {
            if !value.get().starts_with(['{', '[']) && value.get() != "null" {
                let text: Option<String> = serde_json::from_str(value.get()).ok();
                add_tag(&mut tags, name, text.as_deref().unwrap_or_else(|| value.get()));
            }
        }
        // A request tag is a word or, by convention, `name:value`.
        for tag in self.request_tags.iter().flatten() {
            let (name, value) = tag.split_once(':').unwrap_or((tag, "true"));
            add_tag(&mut tags, name, value);
        }
        tags
    }
}

fn units(usage: &Usage) -> BTreeMap<&'static str, u64> {
    let tools = &usage.server_tool_use;
    let searches = tools.web_search_requests.0.max(usage.prompt_tokens_details.web_search_requests.0);
    let units = [("web_search", searches), ("web_fetch", tools.web_fetch_requests.0)];
    units.into_iter().filter(|(_, amount)| *amount > 0).collect()
}

fn or<'a>(first: &'a Text<'_>, second: &'a Text<'_>) -> Option<&'a str> {
    first.as_deref().and_then(filled).or_else(|| second.as_deref().and_then(filled))
}
