//! `/v1/billing`.

mod chart;
mod figures;
mod left_over;
mod periods;
mod random;
mod round_trips;
mod subscription;

use chrono::{DateTime, Utc};
use ledger::period;
use serde_json::Value;

use crate::support::events;

fn at(text: &str) -> DateTime<Utc> {
    period::parse_instant(text).unwrap()
}

/// A call by `agent` with the fields of `more` added to its `data`.
fn call(id: &str, agent: &str, time: DateTime<Utc>, more: &Value) -> Value {
    let mut call = events::call(id, time);
    call["data"]["agent_id"] = agent.into();
    for (name, value) in more.as_object().unwrap() {
        call["data"][name] = value.clone();
    }
    call
}
