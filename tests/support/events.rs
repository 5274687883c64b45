//! Events as senders write them, and random ones.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::period;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An event of this type.
pub fn event(id: &str, kind: &str, time: DateTime<Utc>, data: Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "/agents",
        "type": kind,
        "time": period::rfc3339(time),
        "data": data,
    })
}

/// A call with the required fields, to be adjusted by tests.
pub fn call(id: &str, time: DateTime<Utc>) -> Value {
    let data = json!({
        "agent_id": "nova",
        "provider": "anthropic",
        "model": "claude-haiku-3.5",
        "input_tokens": 1000,
        "output_tokens": 200,
    });
    event(id, "llm.call", time, data)
}

/// A random call, as its sender states it, without derived figures.
#[derive(Clone, Debug)]
pub struct RandomCall {
    pub agent: u8,
    pub model: usize,
    /// Uncached, cache read, cache write for 5 minutes, cache write for an hour.
    pub input: [u64; 4],
    pub output: u64,
    pub minutes_ago: i64,
    pub cost: Option<u64>,
    pub failed: bool,
}

/// A number of tokens: often zero, mostly small, sometimes very large.
fn tokens() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 6 => 0_u64..5_000, 2 => 100_000_u64..300_000, 1 => Just(1_000_000_000)]
}

/// Calls within the last 34 days.
pub fn random_call() -> impl Strategy<Value = RandomCall> {
    (
        0_u8..6,
        0..super::oracle::MODELS.len(),
        [tokens(), tokens(), tokens(), tokens()],
        tokens(),
        0_i64..34 * 24 * 60,
        prop::option::weighted(0.2, 0_u64..5_000_000_000),
        any::<bool>(),
    )
        .prop_map(|(agent, model, input, output, minutes_ago, cost, failed)| RandomCall {
            agent,
            model,
            input,
            output,
            minutes_ago,
            cost,
            failed,
        })
}

impl RandomCall {
    pub fn time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::minutes(self.minutes_ago)
    }

    pub fn event(&self, id: &str, now: DateTime<Utc>) -> Value {
        let model = &super::oracle::MODELS[self.model];
        let mut data = json!({
            "agent_id": format!("agent-{}", self.agent),
            "provider": model.provider,
            "model": model.model,
            "input_tokens": self.input[0],
            "cache_read_tokens": self.input[1],
            "cache_write_5m_tokens": self.input[2],
            "cache_write_1h_tokens": self.input[3],
            "output_tokens": self.output,
            "status": if self.failed { "error" } else { "ok" },
        });
        if let Some(cost) = self.cost {
            data["cost_usd"] = json!(format!("{}.{:06}", cost / 1_000_000, cost % 1_000_000));
        }
        event(id, "llm.call", self.time(now), data)
    }
}
