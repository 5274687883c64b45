//! The fields of a payload.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::usage::Usage;
use crate::json::{Count, lenient, or_default};

pub type Text<'a> = Option<Cow<'a, str>>;

/// The fields of a payload that are read. `messages` and `response` are skipped.
#[derive(Deserialize)]
pub struct Payload<'a> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub litellm_call_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub call_type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub model: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub custom_llm_provider: Text<'a>,
    #[serde(default)]
    pub prompt_tokens: Count,
    #[serde(default)]
    pub completion_tokens: Count,
    #[serde(default)]
    pub total_tokens: Count,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub cost_breakdown: CostBasis<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub api_base: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub hidden_params: HiddenParams<'a>,
    #[serde(borrow, default)]
    pub response_cost: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    pub cost_finalized: Option<bool>,
    #[serde(default)]
    pub zero_cost_diagnostic: Option<IgnoredAny>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub cache_hit: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub model_map_information: ModelMap<'a>,
    #[serde(rename = "startTime", borrow, default)]
    pub start_time: Option<&'a RawValue>,
    #[serde(rename = "endTime", borrow, default)]
    pub end_time: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub request_tags: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub end_user: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub session_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub metadata: Metadata<'a>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub model_parameters: Option<Parameters<'a>>,
}

/// On what the price depended (`litellm/types/utils.py`, `CostBreakdown`).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CostBasis<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    pub service_tier: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub data_residency: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub vertex_location: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct HiddenParams<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    pub api_base: Text<'a>,
    /// The models of a batch that has ended, whose cost this payload reports.
    #[serde(deserialize_with = "lenient")]
    pub batch_models: Option<Vec<IgnoredAny>>,
}

/// LiteLLM's own price list entry for the model.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ModelMap<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    pub model_map_key: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub model_map_value: ModelInfo<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub litellm_provider: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ModelInfo<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    pub key: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub litellm_provider: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    pub user_api_key_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub user_api_key_team_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub user_api_key_org_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub user_api_key_project_alias: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub spend_logs_metadata: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(deserialize_with = "or_default")]
    pub usage_object: Usage,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Parameters<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    pub user: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    pub service_tier: Text<'a>,
}
