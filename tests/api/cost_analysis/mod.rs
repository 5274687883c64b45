//! `/api/cost-analysis`.

mod advice;
mod book;
mod figures;
pub mod oracle;
mod own_prices;
mod periods;
mod pricing;
mod query;
mod random;
mod random_advice;
mod reprice;
mod round_trips;
mod unpriced;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use ledger::period;
use serde_json::{Value, json};

use crate::support::Caller;
use crate::support::events::event;

pub const PATH: &str = "/api/cost-analysis";

/// Changes a setting through the registry.
pub async fn set(caller: &Caller<'_>, path: &str, body: &Value) {
    let json = [("content-type", "application/json")];
    let response = caller.send(Method::PUT, path, &json, body.to_string()).await;
    assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
}

pub fn at(text: &str) -> DateTime<Utc> {
    period::parse_instant(text).unwrap()
}

/// A call by `agent` to `provider/model` with a million input tokens and no output, unless `more` says otherwise.
pub fn call(id: &str, agent: &str, model: &str, time: DateTime<Utc>, more: &Value) -> Value {
    let (provider, model) = model.split_once('/').unwrap();
    let mut data = json!({
        "agent_id": agent, "provider": provider, "model": model, "input_tokens": 1_000_000, "output_tokens": 0,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    event(id, "llm.call", time, data)
}

/// The strings under `name` in a list of rows.
pub fn names<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap()).collect()
}
