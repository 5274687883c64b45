//! Payloads of LiteLLM's `generic_api` callback: `StandardLoggingPayload` of LiteLLM 1.110.
//!
//! LiteLLM does not retry by default and drops a failed batch, so an unusable entry is rejected alone. Its
//! `prompt_tokens` include cached tokens for every provider, even for those that report them separately.

mod payload;
mod usage;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use self::payload::{Payload, Text};
use self::usage::Totals;
use crate::call::{Call, Identity, Status, add_tag, used};
use crate::json::{decimal, entries};
use crate::text::{self, filled};
use crate::tokens::Input;
use crate::{Translation, Unreadable, models, region, time};

/// The `source` of all events.
const SOURCE: &str = "litellm";

/// Calls that are billed by something else than tokens. Their payloads often lack the quantity.
const WITHOUT_TOKENS: [&str; 7] =
    ["speech", "transcription", "video_generation", "create_video", "ocr", "image_generation", "image_edit"];

/// Hosts of deployments, whose names the customer chose.
const OF_DEPLOYMENTS: [&str; 5] = ["azure", "azure_ai", "azure_text", "sagemaker", "sagemaker_chat"];

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
                    let mut call = payload.call(model);
                    let no_usage = payload.billed() && call.tokens.is_empty() && call.units.is_empty();
                    translation.source(SOURCE).without_usage += usize::from(no_usage);
                    if no_usage && payload.has_a_price() {
                        call.units = used([("requests", 1)]);
                    }
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
        let model = self.model().ok_or("Entry should name its model")?;
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

    /// The model that was called. The name of a deployment does not tell, but LiteLLM knows it from `base_model` or from
    /// the response (<https://docs.litellm.ai/docs/proxy/custom_pricing>).
    fn model(&self) -> Option<&str> {
        let sent = self.model.as_deref().and_then(filled)?;
        let model = models::without_proxy(sent);
        let map = &self.model_map_information;
        let listed = map.model_map_key.as_deref().and_then(filled);
        let listed = listed.filter(|_| map.model_map_value.key.is_some());
        let provider = self.provider(sent);
        let name = model.strip_prefix(provider.as_str()).and_then(|name| name.strip_prefix('/'));
        // A name with a path, such as `azure/eu/gpt-4o`, says more than the list.
        let is_deployment = OF_DEPLOYMENTS.contains(&provider.as_str())
            && !name.unwrap_or(model).contains('/')
            || model.contains(":application-inference-profile/")
            || model.contains(":provisioned-model/");
        listed.filter(|_| is_deployment).or(Some(model))
    }

    fn billed(&self) -> bool {
        !self.failed() && !self.is_cached()
    }

    /// Whether a call without any quantity costs something (BerriAI/litellm#36914). It is reported as one request then,
    /// which makes it unpriced, and not free, unless the model is billed by the request.
    fn has_a_price(&self) -> bool {
        let kind = self.call_type.as_deref().unwrap_or_default();
        let kind = kind.strip_prefix('a').unwrap_or(kind);
        WITHOUT_TOKENS.contains(&kind) || self.reported_cost().is_some_and(|cost| !cost.is_zero())
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
            region: self.region().map(str::to_owned),
            end_user: end_user.or(user).map(str::to_owned),
            conversation_id: self.session_id.as_deref().and_then(filled).map(str::to_owned),
            tags: self.tags(),
            revision: u64::from(self.cost_finalized == Some(true)),
            ..Call::default()
        };
        if self.is_cached() {
            // LiteLLM's own cache answered: the tokens are those of the call that filled it, and nothing was billed.
            call.cost_usd = Some("0".to_owned());
            add_tag(&mut call.tags, "cache_hit", "true");
        } else {
            let reported = usage.reported(Totals {
                input: self.prompt_tokens.0,
                output: self.completion_tokens.0,
                total: self.total_tokens.0,
            });
            call.tokens = reported.tokens(reported.input_kind(Input::Inclusive));
            call.units = usage.units(&call.provider, model, !call.tokens.is_empty());
            call.cost_usd = usage.bill(&call.provider);
            call.reported_cost = self.reported_cost();
        }
        call
    }

    /// The cost that LiteLLM computed. A zero with a diagnostic is an unknown price, not a price of zero.
    fn reported_cost(&self) -> Option<Decimal> {
        let cost = decimal(self.response_cost?).filter(|cost| self.billed() && !cost.is_sign_negative())?;
        (!cost.is_zero() || self.zero_cost_diagnostic.is_none()).then_some(cost)
    }

    /// The tier of a batch, or that which LiteLLM priced, or that of the response, else that of the request.
    fn service_tier(&self) -> Option<String> {
        let usage = &self.metadata.usage_object;
        let batch = self.is_batch().then_some("batch");
        let fast = usage.speed.as_deref().filter(|speed| *speed == "fast");
        let priced = self.cost_breakdown.service_tier.as_deref().and_then(filled);
        let asked = || self.model_parameters.as_ref()?.service_tier.as_deref();
        let tier = batch.or(fast).or(priced).or(usage.service_tier.as_deref()).or_else(asked);
        tier.map(str::to_owned)
    }

    /// A payload that reports what a batch cost after it ended (`litellm/batches/batch_utils.py`).
    fn is_batch(&self) -> bool {
        let kind = self.call_type.as_deref().unwrap_or_default();
        let models = self.hidden_params.batch_models.as_ref();
        kind.ends_with("retrieve_batch") || models.is_some_and(|models| !models.is_empty())
    }

    /// Where the call ran, by the response, by what LiteLLM priced, or by the endpoint.
    fn region(&self) -> Option<&str> {
        let basis = &self.cost_breakdown;
        let priced = || or(&basis.data_residency, &basis.vertex_location);
        let stated = self.metadata.usage_object.inference_geo.as_deref().and_then(filled);
        stated.or_else(priced).or_else(|| {
            let endpoints = [&self.api_base, &self.hidden_params.api_base];
            endpoints.into_iter().find_map(|address| region::of_endpoint(address.as_deref()?))
        })
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

fn or<'a>(first: &'a Text<'_>, second: &'a Text<'_>) -> Option<&'a str> {
    first.as_deref().and_then(filled).or_else(|| second.as_deref().and_then(filled))
}

#[cfg(test)]
mod tests;
