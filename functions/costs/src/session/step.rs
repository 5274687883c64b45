//! A step of a session: a call, a task, or an entry of the activity log, such as a tool.

use ledger::event::{CallStatus, Data, Event};
use ledger::money::Number;
use ledger::period::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::sessions::agent_of;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    at: String,
    /// The type of the event.
    #[serde(rename = "type")]
    kind: &'static str,
    agent_id: Option<String>,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What {
    #[serde(rename_all = "camelCase")]
    Call {
        provider: String,
        model: String,
        status: CallStatus,
        cost: Number,
        input_tokens: u64,
        output_tokens: u64,
        cache_read_tokens: u64,
        cache_write_tokens: u64,
        response_ms: Option<u64>,
        unpriced: bool,
    },
    #[serde(rename_all = "camelCase")]
    Task {
        task_type: Option<String>,
        success: bool,
    },
    #[serde(rename_all = "camelCase")]
    Activity {
        event_type: String,
        details: Box<RawValue>,
    },
    Other {},
}

impl Step {
    pub fn of(event: &Event) -> Self {
        let (kind, what) = match &event.data {
            Data::LlmCall(call) => {
                let tokens = &call.tokens;
                let what = What::Call {
                    provider: call.provider_id().to_owned(),
                    model: call.model.to_string(),
                    status: call.status,
                    cost: Number::usd(call.cost.total()),
                    input_tokens: tokens.input,
                    output_tokens: tokens.output,
                    cache_read_tokens: tokens.cache_read,
                    cache_write_tokens: tokens.whole_input() - tokens.input - tokens.cache_read,
                    response_ms: call.latency_ms,
                    unpriced: call.cost.is_unpriced(),
                };
                ("llm.call", what)
            }
            Data::TaskCompleted(task) => {
                let task_type = task.task_type.as_ref().map(ToString::to_string);
                ("task.completed", What::Task { task_type, success: task.success })
            }
            Data::AgentActivity(activity) => {
                let details = RawValue::from_string(activity.details.clone()).unwrap_or_default();
                ("agent.activity", What::Activity { event_type: activity.event_type.to_string(), details })
            }
            Data::ComputeUsage(_) => ("compute.usage", What::Other {}),
            Data::HostReport(_) => ("host.report", What::Other {}),
            Data::Amendment(_) => ("amendment", What::Other {}),
        };
        Self { at: rfc3339(event.time), kind, agent_id: agent_of(event).map(ToString::to_string), what }
    }
}
