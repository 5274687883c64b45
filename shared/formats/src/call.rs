//! A model call or tool call, before it becomes an event.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::text;
use crate::tokens::Tokens;
use crate::translation::Event;

/// Maximum latency or duration of an event: 30 days in milliseconds.
const MAX_MS: u64 = 30 * 24 * 3600 * 1000;
/// Maximum length of a tool's name, in characters.
const MAX_TOOL: usize = 256;
/// Maximum number of tags of an event.
const MAX_TAGS: usize = 20;
/// Maximum length of a tag's value, in bytes.
const MAX_TAG: usize = 256;

/// Maximum number of decimals of a unit's amount.
const UNIT_DECIMALS: u32 = 6;

/// What is billed by count, by name.
pub type Units = BTreeMap<&'static str, Decimal>;

/// The identity and time of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub source: String,
    pub id: String,
    /// RFC 3339.
    pub time: String,
}

/// The data of an `llm.call` event. Empty fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Call {
    pub agent_id: String,
    pub provider: String,
    pub model: String,
    #[serde(flatten)]
    pub tokens: Tokens,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "units")]
    pub units: Units,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    #[serde(skip_serializing_if = "Status::is_ok")]
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The amount that was billed. It takes the place of the price book.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<String>,
    /// Replaces an event with the same identity and a lower revision.
    #[serde(skip_serializing_if = "is_first")]
    pub revision: u64,
    /// See [`Event::reported_cost`].
    #[serde(skip)]
    pub reported_cost: Option<Decimal>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
const fn is_first(revision: &u64) -> bool {
    *revision == 0
}

/// Whole amounts as numbers; others as text, since a number would become a float.
fn units<S: Serializer>(units: &Units, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(units.len()))?;
    for (unit, amount) in units {
        match amount.to_u64().filter(|whole| Decimal::from(*whole) == *amount) {
            Some(whole) => map.serialize_entry(unit, &whole)?,
            None => map.serialize_entry(unit, &amount.round_dp(UNIT_DECIMALS).normalize().to_string())?,
        }
    }
    map.end()
}

/// The units with a count above zero.
pub fn used<const N: usize>(units: [(&'static str, u64); N]) -> Units {
    let used = units.into_iter().filter(|(_, amount)| *amount > 0);
    used.map(|(unit, amount)| (unit, Decimal::from(amount))).collect()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Ok,
    Error,
}

impl Status {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
    const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }
}

/// The data of an `agent.activity` event of the type `tool_call`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    pub agent_id: String,
    pub event_type: ToolCallType,
    pub details: ToolDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_agent_id: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolCallType {
    #[default]
    ToolCall,
}

/// Arguments and results are content, so they are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ToolDetails {
    pub tool: String,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

#[derive(Serialize)]
struct CloudEvent<'a, Data> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: &'static str,
    time: &'a str,
    data: &'a Data,
}

impl Call {
    pub fn into_event(mut self, sender: &str, index: usize, identity: &Identity) -> Event {
        // A sender's clock that was set back gives an absurd latency, which must not get the call rejected.
        self.latency_ms = self.latency_ms.filter(|latency| *latency <= MAX_MS);
        if self.always_searches() {
            self.units.entry("web_search").or_insert(Decimal::ONE);
        }
        let json = cloud_event("llm.call", identity, &self);
        let sender = sender.to_owned();
        Event { index, sender, json, reported_cost: self.reported_cost, dated_on_receipt: false }
    }

    /// Whether OpenAI searched the web for this call and bills the search although its response does not count it: its
    /// search models of Chat Completions always do (<https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat>).
    fn always_searches(&self) -> bool {
        let is_search_model = ["-search-preview", "-search-api"].iter().any(|name| self.model.contains(name));
        is_search_model
            && self.provider.starts_with("openai")
            && self.status.is_ok()
            && !self.tokens.is_empty()
            && self.cost_usd.is_none()
    }

    /// Fills in what only another report of the same call states.
    pub fn fill_from(&mut self, other: Self) {
        for (field, value) in [
            (&mut self.service_tier, other.service_tier),
            (&mut self.region, other.region),
            (&mut self.end_user, other.end_user),
            (&mut self.conversation_id, other.conversation_id),
            (&mut self.parent_agent_id, other.parent_agent_id),
        ] {
            if field.is_none() {
                *field = value;
            }
        }
        for (unit, amount) in other.units {
            self.units.entry(unit).or_insert(amount);
        }
        self.reported_cost = self.reported_cost.or(other.reported_cost);
    }
}

impl ToolCall {
    pub fn into_event(mut self, sender: &str, index: usize, identity: &Identity) -> Event {
        let details = &mut self.details;
        details.duration_ms = details.duration_ms.filter(|duration| *duration <= MAX_MS);
        details.tool = details.tool.chars().take(MAX_TOOL).collect();
        let json = cloud_event("agent.activity", identity, &self);
        let sender = sender.to_owned();
        Event { index, sender, json, reported_cost: None, dated_on_receipt: false }
    }
}

fn cloud_event(kind: &'static str, identity: &Identity, data: &impl Serialize) -> Box<RawValue> {
    let Identity { source, id, time } = identity;
    let event = CloudEvent { specversion: "1.0", id, source, r#type: kind, time, data };
    // Maps with text keys and plain values always serialize. If one ever did not, the parser would reject the null.
    to_raw_value(&event).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Adds a tag if its name is usable, its value short enough, and there is room for it.
pub fn add_tag(tags: &mut BTreeMap<String, String>, name: &str, value: &str) {
    let value = value.trim();
    let fits = !value.is_empty() && value.len() <= MAX_TAG && !value.contains(char::is_control);
    if let Some(key) = text::tag_key(name).filter(|_| fits && tags.len() < MAX_TAGS) {
        tags.entry(key).or_insert_with(|| value.to_owned());
    }
}
