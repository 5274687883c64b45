//! A stored event: validated, priced and stamped with its day, so that it can be aggregated without any other data.

pub mod compact;
mod words;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::cost::CallCost;
use crate::ids::{AgentId, Label, ModelKey, Name, NodeId, OrgId, ProjectId};
use crate::money::{Quantity, Usd};
use crate::period::Day;
use crate::pricing::TokenUsage;
use crate::tags::{MAX_TAGS, Tags};

/// Something that happened in an organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The organization that the event belongs to.
    pub org: OrgId,
    /// The CloudEvents `source`.
    pub source: Name,
    /// The CloudEvents `id`, unique within the source and the UTC day of `time`.
    pub id: Name,
    /// The CloudEvents `time`: when it happened.
    pub time: DateTime<Utc>,
    /// Of several events with the same identity, the one with the highest revision holds.
    pub revision: u64,
    /// The payload.
    pub data: Data,
}

/// The payload of an event, by type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(clippy::large_enum_variant, reason = "most events are calls")]
pub enum Data<Cost = CallCost> {
    /// A call of a language model.
    #[serde(rename = "llm.call")]
    LlmCall(LlmCall<Cost>),
    /// A task that an agent completed, successfully or not.
    #[serde(rename = "task.completed")]
    TaskCompleted(TaskCompleted),
    /// An entry of the activity log.
    #[serde(rename = "agent.activity")]
    AgentActivity(AgentActivity),
    /// A sample of a project's compute usage.
    #[serde(rename = "compute.usage")]
    ComputeUsage(ComputeUsage),
    /// A node's report of the number of sites it hosts.
    #[serde(rename = "host.report")]
    HostReport(HostReport),
    /// A later revision of an event that is stored.
    #[serde(rename = "amendment")]
    Amendment(Amendment<Cost>),
}

impl<Cost> Data<Cost> {
    /// Replaces the name of an end user, also in what an amendment replaces and brings. False if it is not in there.
    pub fn rename_end_user(&mut self, from: &Label, to: &Label) -> bool {
        match self {
            Self::LlmCall(call) => {
                let is_named = call.end_user.as_ref() == Some(from);
                if is_named {
                    call.end_user = Some(to.clone());
                }
                is_named
            }
            Self::Amendment(Amendment { replaces, with }) => {
                // All of them, not only up to the first that has the name.
                let parts = replaces.iter_mut().chain(with);
                parts.map(|part| part.rename_end_user(from, to)).filter(|is_named| *is_named).count() > 0
            }
            Self::TaskCompleted(_) | Self::AgentActivity(_) | Self::ComputeUsage(_) | Self::HostReport(_) => {
                false
            }
        }
    }
}

/// A later revision of a stored event. It contributes the difference to what held before, so that the fold over all raw
/// events stays a sum. An event that is void from the start contributes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Amendment<Cost = CallCost> {
    /// What held before; none if there was nothing, or a void event.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Box<Data<Cost>>>,
    /// What holds from now on; none: the event is void.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub with: Option<Box<Data<Cost>>>,
}

/// Unlike `Default`, it asks nothing of the type.
const fn none<T>() -> Option<T> {
    None
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallStatus {
    /// The provider responded.
    #[default]
    Ok,
    /// The call failed. Its tokens and cost still count.
    Error,
}

/// The owner of the provider key that paid for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// The platform.
    #[default]
    Platform,
    /// The organization ("bring your own key").
    Byok,
}

/// What an event belongs to beside its agent: figures can be told apart by it, and a session followed. It never decides
/// whether an event is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The session, or conversation.
    #[serde(rename = "conversation_id", default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Label>,
    /// The agent on whose behalf this one works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_agent_id: Option<AgentId>,
    /// Tags that the sender gave.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// Tags of the API key that the event was sent with, except those that the sender gave. Another key may send the same
    /// event again, so they are no part of its content.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub key_tags: Tags,
}

impl Attribution {
    /// Adds the tags of an API key, as far as there is room: the event's own tags win.
    pub fn add_key_tags(&mut self, tags: &Tags) {
        let room = MAX_TAGS.saturating_sub(self.tags.len());
        let new = tags.iter().filter(|(name, _)| !self.tags.contains_key(*name)).take(room);
        self.key_tags = new.map(|(name, value)| (name.clone(), value.clone())).collect();
    }

    /// All tags of the event.
    pub fn all_tags(&self) -> Tags {
        self.tags.iter().chain(&self.key_tags).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// A call of a language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmCall<Cost = CallCost> {
    /// The agent that made the call.
    pub agent_id: AgentId,
    /// The provider's id.
    pub provider: Label,
    /// The model's id, as the provider spells it.
    pub model: Label,
    /// Tokens by price bucket.
    #[serde(flatten)]
    pub tokens: TokenUsage,
    /// Reasoning tokens. They are included in the output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// The service tier, in lower case; none: standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<Label>,
    /// Where the call ran, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Label>,
    /// What is billed by count, by the name of the unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, Quantity>,
    /// Milliseconds from request to response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// How the call ended.
    pub status: CallStatus,
    /// The person on whose behalf the agent called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<Label>,
    /// Session, parent agent and tags.
    #[serde(flatten)]
    pub attribution: Attribution,
    /// The project that the call was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// The kind of task that the call was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<Label>,
    /// The host that the agent ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Label>,
    /// The owner of the provider key that paid.
    pub key_source: KeySource,
    /// The cost in US dollars as the provider reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Usd>,
    /// The cost, determined when the event was ingested.
    pub cost: Cost,
}

impl<Cost> LlmCall<Cost> {
    /// A successful call that says nothing else.
    pub fn plain(agent_id: AgentId, provider: Label, model: Label, tokens: TokenUsage, cost: Cost) -> Self {
        Self {
            agent_id,
            provider,
            model,
            tokens,
            reasoning_tokens: None,
            service_tier: None,
            region: None,
            units: BTreeMap::new(),
            latency_ms: None,
            status: CallStatus::Ok,
            end_user: None,
            attribution: Attribution::default(),
            project_id: None,
            task_type: None,
            hostname: None,
            key_source: KeySource::Platform,
            cost_usd: None,
            cost,
        }
    }
}

/// A task that an agent completed, successfully or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCompleted {
    /// The agent that worked on the task.
    pub agent_id: AgentId,
    /// The kind of task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<Label>,
    /// Whether the task succeeded.
    pub success: bool,
    /// Minutes of human work saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_saved: Option<Quantity>,
    /// Duration in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Session, parent agent and tags.
    #[serde(flatten)]
    pub attribution: Attribution,
    /// The project that the task was done for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
}

/// An entry of the activity log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentActivity {
    /// The agent. Absent in a registry entry about something other than an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// The kind of activity.
    pub event_type: Name,
    /// A JSON object, as the text that was received.
    pub details: String,
    /// Session, parent agent and tags.
    #[serde(flatten)]
    pub attribution: Attribution,
}

/// A sample of the compute used by one instance of a project: constant usage for `length_ms` from `from` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeUsage {
    /// The project that the instance belongs to.
    pub project_id: ProjectId,
    /// The instance that was measured.
    pub instance_id: Name,
    /// Start of the sample.
    pub from: DateTime<Utc>,
    /// Length of the sample, in milliseconds.
    pub length_ms: NonZeroU64,
    /// Cores in use.
    pub cpu_cores: Quantity,
    /// Memory in use, in GB.
    pub ram_gb: Quantity,
    /// Disk in use, in GB.
    pub disk_gb: Quantity,
    /// Bytes received during the sample.
    pub bandwidth_in_bytes: u64,
    /// Bytes sent during the sample.
    pub bandwidth_out_bytes: u64,
    /// Tags.
    #[serde(flatten)]
    pub attribution: Attribution,
}

impl ComputeUsage {
    /// Its end.
    pub fn end(&self) -> DateTime<Utc> {
        self.from + TimeDelta::milliseconds(i64::try_from(self.length_ms.get()).unwrap_or(i64::MAX))
    }
}

/// A node's report of the number of sites it hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// The node.
    pub node_id: NodeId,
    /// Sites that the node hosts at the time of the event.
    pub hosted_sites: u64,
    /// Tags.
    #[serde(flatten)]
    pub attribution: Attribution,
}

impl<Cost> Data<Cost> {
    /// What holds once the event is stored: none if it is void.
    pub fn in_force(&self) -> Option<&Self> {
        match self {
            Self::Amendment(amendment) => amendment.with.as_deref(),
            _ => Some(self),
        }
    }

    /// What the event belongs to beside its agent; none if it is void.
    pub fn attribution(&self) -> Option<&Attribution> {
        match self {
            Self::LlmCall(call) => Some(&call.attribution),
            Self::TaskCompleted(task) => Some(&task.attribution),
            Self::AgentActivity(activity) => Some(&activity.attribution),
            Self::ComputeUsage(sample) => Some(&sample.attribution),
            Self::HostReport(report) => Some(&report.attribution),
            Self::Amendment(amendment) => amendment.with.as_ref()?.attribution(),
        }
    }

    /// The same, to be changed.
    pub fn attribution_mut(&mut self) -> Option<&mut Attribution> {
        match self {
            Self::LlmCall(call) => Some(&mut call.attribution),
            Self::TaskCompleted(task) => Some(&mut task.attribution),
            Self::AgentActivity(activity) => Some(&mut activity.attribution),
            Self::ComputeUsage(sample) => Some(&mut sample.attribution),
            Self::HostReport(report) => Some(&mut report.attribution),
            Self::Amendment(amendment) => amendment.with.as_mut()?.attribution_mut(),
        }
    }
}

impl LlmCall {
    /// The provider: by the price book's id of it, if it has one.
    pub fn provider_id(&self) -> &str {
        self.cost.provider_id.as_deref().unwrap_or(self.provider.as_str())
    }

    /// The model that was called, as a key that includes the provider.
    pub fn model_key(&self) -> ModelKey {
        ModelKey { provider: self.provider_id().to_owned(), model: self.model.to_string() }
    }
}

/// The type of the activity entry that a change of settings leaves. Senders may not use it.
pub const CONFIG_CHANGE: &str = "config_change";

/// The `source` of the activity entries that the registry writes. Ingest rejects it, so no sender can forge one.
pub const REGISTRY_SOURCE: &str = "fleetledger/registry";

impl Event {
    /// The event as it stands if it says `data`.
    #[must_use]
    pub fn saying(&self, data: Data) -> Self {
        let Self { org, source, id, time, revision, .. } = self.clone();
        Self { org, source, id, time, revision, data }
    }

    /// Turns the event into one that takes the place of `stored`, which holds so far, at the time of that: so both are on
    /// the same day in every time zone.
    #[must_use]
    pub fn amending(self, stored: &Data, time: DateTime<Utc>) -> Self {
        let boxed = |data: Option<&Data>| data.cloned().map(Box::new);
        let amendment = Amendment { replaces: boxed(stored.in_force()), with: boxed(self.data.in_force()) };
        Self { data: Data::Amendment(amendment), time, ..self }
    }

    /// The UTC day of the event, under which it is stored. It stays what it is however often the organization changes
    /// its time zone, so that an event that is sent again is always recognized.
    pub fn utc_day(&self) -> Day {
        Day::of(self.time, Tz::UTC)
    }

    /// Whether this event reports usage or activity, as opposed to a registry entry about a changed setting.
    pub fn is_usage(&self) -> bool {
        self.source.as_str() != REGISTRY_SOURCE
    }

    /// The first 16 bytes of a SHA-256 over what the sender sent. Equal content hashes equally however its JSON is
    /// spelled, and what ingest adds, the cost of a call and the tags of a key, is not hashed.
    pub fn content_hash(&self) -> [u8; 16] {
        // An amendment is compared by what it says, not by what it replaces.
        let mut data = self.data.in_force().cloned();
        if let Some(attribution) = data.as_mut().and_then(Data::attribution_mut) {
            attribution.key_tags.clear();
        }
        match &mut data {
            Some(Data::LlmCall(call)) => call.cost = CallCost::default(),
            // Compared as sent: JSON numbers of other spelling may be other numbers to the sender.
            Some(Data::AgentActivity(activity)) => activity.details = canonical(&activity.details),
            Some(
                Data::TaskCompleted(_) | Data::ComputeUsage(_) | Data::HostReport(_) | Data::Amendment(_),
            )
            | None => {}
        }
        let mut hash = Sha256::new();
        hash.update(self.time.timestamp_nanos_opt().unwrap_or_default().to_be_bytes());
        hash.update(serde_json::to_vec(&data).unwrap_or_default());
        let hash: [u8; 32] = hash.finalize().into();
        std::array::from_fn(|i| hash[i])
    }
}

/// A JSON object with sorted fields and without spaces, the digits of its numbers as they are.
fn canonical(object: &str) -> String {
    canonical_value(object).unwrap_or_else(|| object.to_owned())
}

fn canonical_value(text: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    match raw.get().as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
            let fields: Option<Vec<_>> = fields
                .into_iter()
                .map(|(name, value)| {
                    Some(format!("{}:{}", serde_json::to_string(&name).ok()?, canonical_value(value.get())?))
                })
                .collect();
            Some(format!("{{{}}}", fields?.join(",")))
        }
        b'[' => {
            let values: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            let values: Option<Vec<_>> =
                values.into_iter().map(|value| canonical_value(value.get())).collect();
            Some(format!("[{}]", values?.join(",")))
        }
        b'"' => serde_json::to_string(&serde_json::from_str::<String>(raw.get()).ok()?).ok(),
        _ => Some(raw.get().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored events carry these hashes. If one changed, every duplicate of an old event would become a conflict.
    #[test]
    fn content_hashes_never_change() {
        let hash = |data: &str| {
            let name = |text: &str| Name::new(text).unwrap();
            let event = Event {
                org: OrgId::new("acme").unwrap(),
                source: name("s"),
                id: name("1"),
                time: DateTime::from_timestamp_millis(1_789_473_600_123).unwrap(),
                revision: 0,
                data: serde_json::from_str(data).unwrap(),
            };
            event.content_hash().map(|byte| format!("{byte:02x}")).concat()
        };
        let call = r#"{"type":"llm.call","agent_id":"nova","provider":"p","model":"m","input_tokens":1,"output_tokens":2,
            "cache_read_tokens":3,"cache_write_5m_tokens":4,"cache_write_1h_tokens":5,"reasoning_tokens":1,"latency_ms":6,
            "status":"error","end_user":"u","conversation_id":"c","task_type":"chat","hostname":"h","key_source":"byok",
            "cost_usd":"0.10","cost":{"unpriced":"unknown_model"}}"#;
        let priced =
            call.replace(r#"{"unpriced":"unknown_model"}"#, r#"{"input":"1.00","output":"2.00","row":"r"}"#);
        assert_eq!(hash(call), hash(&priced));
        assert_eq!(hash(call), "78f63d50251d2185ffd18f93e9844da4");
        let task = r#"{"type":"task.completed","agent_id":"nova","task_type":"t","success":true,"minutes_saved":"1.5",
            "duration_ms":7}"#;
        assert_eq!(hash(task), "c4f32c6b83ba21ce6d512c93b1701fa7");
        let entry =
            r#"{"type":"agent.activity","agent_id":"nova","event_type":"e","details":"{\"b\":1,\"a\":2}"}"#;
        assert_eq!(hash(entry), "0da7d857cbca7086d91ee27e95830d9b");
        let sample = r#"{"type":"compute.usage","project_id":"p","instance_id":"i","from":"2026-09-15T10:00:00Z",
            "length_ms":1000,"cpu_cores":"0.5","ram_gb":"1","disk_gb":"2","bandwidth_in_bytes":3,
            "bandwidth_out_bytes":4}"#;
        assert_eq!(hash(sample), "d95c21958d4912139fc809c81365c1e6");
        assert_eq!(
            hash(r#"{"type":"host.report","node_id":"n","hosted_sites":1}"#),
            "ce1cffa2fffc3d1479201fd184fe52c1"
        );
    }

    #[test]
    fn tags_that_the_sender_gave_are_content_and_those_of_the_key_are_not() {
        let tags = |list: &[(&str, &str)]| -> Tags {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let hash = |own: &[(&str, &str)], key: &[(&str, &str)]| {
            let report = HostReport {
                node_id: NodeId::new("n").unwrap(),
                hosted_sites: 1,
                attribution: Attribution { tags: tags(own), ..Attribution::default() },
            };
            let name = |text: &str| Name::new(text).unwrap();
            let mut event = Event {
                org: OrgId::new("acme").unwrap(),
                source: name("s"),
                id: name("1"),
                time: DateTime::UNIX_EPOCH,
                revision: 0,
                data: Data::HostReport(report),
            };
            event.data.attribution_mut().unwrap().add_key_tags(&tags(key));
            (event.content_hash(), event.data.attribution().unwrap().all_tags())
        };
        let (plain, _) = hash(&[("team", "a")], &[]);
        let (keyed, all) = hash(&[("team", "a")], &[("team", "b"), ("env", "prod")]);
        assert_eq!(plain, keyed);
        assert_eq!(all, tags(&[("env", "prod"), ("team", "a")]));
        assert_ne!(plain, hash(&[("team", "b")], &[]).0);
        let full: Vec<String> = (0..MAX_TAGS).map(|i| format!("t{i:02}")).collect();
        let full: Vec<_> = full.iter().map(|name| (name.as_str(), "v")).collect();
        assert_eq!(hash(&full[1..], &[("x", "1"), ("y", "2")]).1.len(), MAX_TAGS);
    }

    #[test]
    fn details_are_compared_by_their_digits_and_not_by_their_spacing() {
        let same =
            [r#"{"b":[1, "é"],"a":{"y":1.0,"x":null}}"#, r#"{ "a":{"x":null,"y":1.0}, "b":[1,"\u00e9"] }"#];
        assert_eq!(canonical(same[0]), canonical(same[1]));
        let distinct = ["1", "1.0", "1e0", "100000000000000000000", "100000000000000000001", "0.1", "0.10"];
        let all: std::collections::BTreeSet<_> =
            distinct.iter().map(|number| canonical(&format!(r#"{{"n":{number}}}"#))).collect();
        assert_eq!(all.len(), distinct.len());
    }
}
