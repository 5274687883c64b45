//! An event as it is stored: validated, priced, stamped with its day, so that it can always be counted from itself.

use std::num::NonZeroU64;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cost::{CallCost, TokenCounts};
use crate::ids::{AgentId, ModelKey, Name, NodeId, OrgId, ProjectId};
use crate::money::{Quantity, Usd};
use crate::period::Day;

/// Something that happened in an organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose it is.
    pub org: OrgId,
    /// The CloudEvents `source`.
    pub source: Name,
    /// The CloudEvents `id`, unique within the source and the day.
    pub id: Name,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// The day of `time` in the organisation's zone as it was when the event came in.
    pub day: Day,
    /// What happened.
    pub data: Data,
}

/// What happened, by type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Data {
    /// A call of a language model.
    #[serde(rename = "llm.call")]
    LlmCall(LlmCall),
    /// A task that an agent brought to its end.
    #[serde(rename = "task.completed")]
    TaskCompleted(TaskCompleted),
    /// An entry of the activity log.
    #[serde(rename = "agent.activity")]
    AgentActivity(AgentActivity),
    /// A sample of compute used by a project.
    #[serde(rename = "compute.usage")]
    ComputeUsage(ComputeUsage),
    /// A node's report of the sites that it hosts.
    #[serde(rename = "host.report")]
    HostReport(HostReport),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallStatus {
    /// It was answered.
    #[default]
    Ok,
    /// It failed; what it used still counts.
    Error,
}

/// Whose provider key paid for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// The platform's own.
    #[default]
    Platform,
    /// The organisation's ("bring your own key").
    Byok,
}

/// A call of a language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmCall {
    /// The agent that made the call.
    pub agent_id: AgentId,
    /// The provider's id.
    pub provider: Name,
    /// The model's id, as the provider spells it.
    pub model: Name,
    /// Tokens by price bucket.
    #[serde(flatten)]
    pub tokens: TokenCounts,
    /// Tokens of reasoning, contained in the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// Milliseconds from request to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// How it ended.
    pub status: CallStatus,
    /// The person on whose behalf the agent called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<Name>,
    /// The conversation that the call belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<Name>,
    /// What the call was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<Name>,
    /// Where the agent ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Name>,
    /// Whose key paid.
    pub key_source: KeySource,
    /// The provider's own figure for the cost, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Usd>,
    /// What it cost, stamped when it was taken in.
    pub cost: CallCost,
}

/// A task that an agent brought to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCompleted {
    /// The agent.
    pub agent_id: AgentId,
    /// The kind of task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<Name>,
    /// Whether it reached its goal.
    pub success: bool,
    /// Minutes of human work that it saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_saved: Option<Quantity>,
    /// Milliseconds that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// An entry of the activity log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentActivity {
    /// The agent; none where a setting of something else was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// What kind of thing it did.
    pub event_type: Name,
    /// A JSON object, kept as the text that came.
    pub details: String,
}

/// A sample of compute used by one instance of a project, steady from `from` to `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeUsage {
    /// The project that pays.
    pub project_id: ProjectId,
    /// The instance that ran.
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
    /// Bytes received within the sample.
    pub bandwidth_in_bytes: u64,
    /// Bytes sent within the sample.
    pub bandwidth_out_bytes: u64,
    /// The organisation's zone when the sample came in: its days are cut by it.
    pub zone: Tz,
}

/// A node's report of the sites that it hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// The node.
    pub node_id: NodeId,
    /// Sites that it hosts now.
    pub hosted_sites: u64,
}

impl LlmCall {
    /// The model that was called, with its provider.
    pub fn model_key(&self) -> ModelKey {
        ModelKey { provider: self.provider.to_string(), model: self.model.to_string() }
    }
}

/// The `source` of entries that the registry makes. No sender may use it, so no sender can make one up.
pub const REGISTRY_SOURCE: &str = "fleetledger/registry";

impl Event {
    /// Whether this says that something was used or done, rather than set.
    pub fn is_usage(&self) -> bool {
        self.source.as_str() != REGISTRY_SOURCE
    }

    /// 16 bytes over what the sender said: the same for the same content, whatever its spelling, and untouched by
    /// what was stamped on it here.
    pub fn content_hash(&self) -> [u8; 16] {
        let mut data = self.data.clone();
        match &mut data {
            Data::LlmCall(call) => call.cost = CallCost::Unpriced,
            Data::ComputeUsage(sample) => sample.zone = Tz::UTC,
            Data::AgentActivity(activity) => {
                // Two spellings of one object are one content: serde_json's maps are sorted.
                if let Ok(details) = serde_json::from_str::<serde_json::Value>(&activity.details) {
                    activity.details = details.to_string();
                }
            }
            Data::TaskCompleted(_) | Data::HostReport(_) => {}
        }
        let mut hash = Sha256::new();
        hash.update(self.time.timestamp_nanos_opt().unwrap_or_default().to_be_bytes());
        hash.update(serde_json::to_vec(&data).unwrap_or_default());
        let hash: [u8; 32] = hash.finalize().into();
        std::array::from_fn(|i| hash[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is stored carries these: a change here would make every repetition of an old event a contradiction.
    #[test]
    fn the_hashes_of_contents_are_as_they_always_were() {
        let hash = |data: &str| {
            let name = |text: &str| Name::new(text).unwrap();
            let event = Event {
                org: OrgId::new("acme").unwrap(),
                source: name("s"),
                id: name("1"),
                time: DateTime::from_timestamp_millis(1_789_473_600_123).unwrap(),
                day: Day::parse("2026-09-15").unwrap(),
                data: serde_json::from_str(data).unwrap(),
            };
            event.content_hash().map(|byte| format!("{byte:02x}")).concat()
        };
        let call = r#"{"type":"llm.call","agent_id":"nova","provider":"p","model":"m","input_tokens":1,"output_tokens":2,
            "cache_read_tokens":3,"cache_write_5m_tokens":4,"cache_write_1h_tokens":5,"reasoning_tokens":1,"latency_ms":6,
            "status":"error","end_user":"u","conversation_id":"c","task_type":"chat","hostname":"h","key_source":"byok",
            "cost_usd":"0.10","cost":"unpriced"}"#;
        let priced =
            call.replace(r#""unpriced""#, r#"{"priced":{"input":"1.00","output":"2.00","row":"r"}}"#);
        assert_eq!(hash(call), hash(&priced));
        assert_eq!(hash(call), "2a1b896420db212dea31b62a59a2ca5f");
        let task = r#"{"type":"task.completed","agent_id":"nova","task_type":"t","success":true,"minutes_saved":"1.5",
            "duration_ms":7}"#;
        assert_eq!(hash(task), "c4f32c6b83ba21ce6d512c93b1701fa7");
        let entry =
            r#"{"type":"agent.activity","agent_id":"nova","event_type":"e","details":"{\"b\":1,\"a\":2}"}"#;
        assert_eq!(hash(entry), "0da7d857cbca7086d91ee27e95830d9b");
        let sample = r#"{"type":"compute.usage","project_id":"p","instance_id":"i","from":"2026-09-15T10:00:00Z",
            "length_ms":1000,"cpu_cores":"0.5","ram_gb":"1","disk_gb":"2","bandwidth_in_bytes":3,
            "bandwidth_out_bytes":4,"zone":"Asia/Kathmandu"}"#;
        assert_eq!(hash(sample), hash(&sample.replace("Asia/Kathmandu", "UTC")));
        assert_eq!(hash(sample), "ff2dfa34d6a6196a0c8f67f3ceecf973");
        assert_eq!(
            hash(r#"{"type":"host.report","node_id":"n","hosted_sites":1}"#),
            "ce1cffa2fffc3d1479201fd184fe52c1"
        );
    }
}
