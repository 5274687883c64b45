//! Random calls and tasks with labels.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::expected::{Sums, model};
use crate::api::cost_analysis::oracle;
use crate::support::events::{RandomCall, event, random_call};

/// What a call or a task is labeled with: each by a small number.
#[derive(Clone, Debug)]
pub struct Labels {
    pub task_type: Option<u8>,
    pub end_user: Option<u8>,
    pub session: Option<u8>,
    pub hostname: Option<u8>,
    pub customer: Option<u8>,
    pub project: Option<u8>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Call(RandomCall, Option<u32>),
    Task { agent: u8, success: bool },
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub kind: Kind,
    pub labels: Labels,
    pub now: DateTime<Utc>,
    pub minutes_ago: i64,
}

fn labels() -> impl Strategy<Value = Labels> {
    let label = || prop::option::weighted(0.7, 0_u8..3);
    (label(), label(), label(), label(), label(), label()).prop_map(
        |(task_type, end_user, session, hostname, customer, project)| Labels {
            task_type,
            end_user,
            session,
            hostname,
            customer,
            project,
        },
    )
}

pub fn sent(now: DateTime<Utc>) -> impl Strategy<Value = Sent> {
    let call = (random_call(), prop::option::of(0_u32..10_000))
        .prop_map(|(call, latency)| Kind::Call(call, latency));
    let task = (0_u8..6, any::<bool>()).prop_map(|(agent, success)| Kind::Task { agent, success });
    let kind = prop_oneof![3 => call, 1 => task];
    // Most of them lately, so that short ranges have some.
    let minutes = prop_oneof![3 => 0_i64..5 * 24 * 60, 2 => 0_i64..34 * 24 * 60];
    (kind, labels(), minutes).prop_map(move |(kind, labels, minutes_ago)| Sent {
        kind,
        labels,
        now,
        minutes_ago,
    })
}

impl Sent {
    pub fn time(&self) -> DateTime<Utc> {
        self.now - TimeDelta::minutes(self.minutes_ago)
    }

    pub fn event(&self, id: &str) -> Value {
        let named = |name: &str, label: Option<u8>| label.map(|label| format!("{name}-{label}"));
        let Labels { task_type, end_user, session, hostname, customer, project } = &self.labels;
        let mut event = match &self.kind {
            Kind::Call(call, latency) => {
                let call = RandomCall { minutes_ago: self.minutes_ago, ..call.clone() };
                let mut event = call.event(id, self.now);
                event["data"]["latency_ms"] = json!(latency);
                event["data"]["end_user"] = json!(named("user", *end_user));
                event["data"]["hostname"] = json!(named("host", *hostname));
                event
            }
            Kind::Task { agent, success } => {
                let data = json!({ "agent_id": format!("agent-{agent}"), "success": success });
                event(id, "task.completed", self.time(), data)
            }
        };
        event["data"]["task_type"] = json!(named("task", *task_type));
        event["data"]["session_id"] = json!(named("session", *session));
        event["data"]["project_id"] = json!(named("project", *project));
        event["data"]["tags"] =
            json!(named("customer", *customer).map(|customer| json!({ "customer": customer })));
        if let Some(data) = event["data"].as_object_mut() {
            data.retain(|_, value| !value.is_null());
        }
        event
    }

    /// The value of a dimension; none if it has none.
    pub fn value(&self, dimension: &str, departments: &BTreeMap<u8, String>) -> Option<String> {
        let named = |name: &str, label: Option<u8>| label.map(|label| format!("{name}-{label}"));
        let call = match &self.kind {
            Kind::Call(call, _) => Some(call),
            Kind::Task { .. } => None,
        };
        let agent = match &self.kind {
            Kind::Call(call, _) => call.agent,
            Kind::Task { agent, .. } => *agent,
        };
        match dimension {
            "agent" => Some(format!("agent-{agent}")),
            "department" => departments.get(&agent).cloned(),
            "provider" => call.map(|call| model(call.model).0.to_owned()),
            "model" => call.map(|call| model(call.model).1.to_owned()),
            "task_type" => named("task", self.labels.task_type),
            "end_user" => call.and(named("user", self.labels.end_user)),
            "session_id" => named("session", self.labels.session),
            "project_id" => named("project", self.labels.project),
            "tag.customer" => named("customer", self.labels.customer),
            "hostname" => call.and(named("host", self.labels.hostname)),
            _ => None,
        }
    }

    pub fn sums(&self) -> Sums {
        match &self.kind {
            Kind::Call(call, latency) => {
                let call = RandomCall { minutes_ago: self.minutes_ago, ..call.clone() };
                let all = oracle::of_call(&call, self.time());
                let [input, read, write_5m, write_1h] = call.input;
                Sums {
                    parts: all.parts,
                    requests: 1,
                    errors: u64::from(call.failed),
                    unpriced: all.unpriced,
                    tokens: [input, read, write_5m + write_1h, call.output],
                    latency: latency.map_or((0, 0), |latency| (1, latency.into())),
                    tasks: 0,
                }
            }
            Kind::Task { success, .. } => Sums { tasks: u64::from(*success), ..Sums::default() },
        }
    }
}
