//! `/api/agents/workforce`.

mod calendar;
mod expected;
mod figures;
mod random;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Caller;
use crate::support::events::event;

pub fn path(endpoint: &str) -> String {
    format!("/api/agents/workforce/{endpoint}")
}

/// Changes a setting through the registry.
pub async fn put(caller: &Caller<'_>, path: &str, body: Value) {
    let json = [("content-type", "application/json")];
    let response = caller.send(Method::PUT, path, &json, body.to_string()).await;
    assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
}

/// A call by `agent` that cost `cost` dollars, as reported by the provider.
pub fn call(id: &str, agent: &str, cost: &str, time: DateTime<Utc>) -> Value {
    let data = json!({
        "agent_id": agent, "provider": "anthropic", "model": "claude-haiku-3.5",
        "input_tokens": 10, "output_tokens": 1, "cost_usd": cost,
    });
    event(id, "llm.call", time, data)
}

/// A task completed by `agent`.
pub fn task(id: &str, agent: &str, time: DateTime<Utc>) -> Value {
    event(id, "task.completed", time, json!({ "agent_id": agent }))
}

/// The values of one field in a list of rows.
pub fn column(rows: &Value, field: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}
