//! `/api/activity`.

mod entries;
mod pages;
mod params;
mod random;
mod reads;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Caller;
use crate::support::events::event;

/// An activity event.
pub fn entry(id: &str, agent: &str, kind: &str, time: DateTime<Utc>) -> Value {
    event(id, "agent.activity", time, json!({ "agent_id": agent, "event_type": kind }))
}

/// Changes a setting through the registry.
pub async fn put(caller: &Caller<'_>, path: &str, body: Value) {
    let json = [("content-type", "application/json")];
    let response = caller.send(Method::PUT, path, &json, body.to_string()).await;
    assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
}

/// The ids of a page.
pub fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// The path of a page with these parameters.
pub fn path(params: &[(&str, &str)]) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    format!("/api/activity?{query}")
}

/// All pages by cursor, from the first to the last; `between` runs before each page but the first.
pub async fn walk(
    caller: &Caller<'_>,
    params: &[(&str, &str)],
    mut between: impl AsyncFnMut(),
) -> Vec<Value> {
    let mut pages = vec![caller.get(&path(params)).await];
    while let Some(cursor) = pages.last().unwrap()["pagination"]["nextCursor"].as_str().map(str::to_owned) {
        between().await;
        pages.push(caller.get(&path(&[params, &[("cursor", &cursor)]].concat())).await);
    }
    pages
}
