//! Recorded requests.

use std::path::PathBuf;

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, StatusCode};
use ledger::period::parse_instant;
use runtime::clock::Clock;
use serde_json::Value;
use web::auth::Scope;

use crate::support::World;

/// What a sender sent.
pub struct Recording {
    at: DateTime<Utc>,
    pub requests: Vec<Recorded>,
}

pub struct Recorded {
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Recording {
    pub fn of(sender: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("intake/golden").join(sender);
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let recorded: Value = serde_json::from_slice(&read("recorded.json")).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let request = |request: &Value| {
            let headers = request["headers"].as_object().unwrap().iter();
            Recorded {
                // LiteLLM was told to send each format to a path of its own.
                path: match request["path"].as_str().unwrap() {
                    path if path.starts_with("/intake/") => "/v1/intake/litellm".to_owned(),
                    path => path.to_owned(),
                },
                headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
                body: read(&text(&request["file"])).into(),
            }
        };
        Self {
            at: parse_instant(&text(&recorded["at"])).unwrap(),
            requests: recorded["requests"].as_array().unwrap().iter().map(request).collect(),
        }
    }

    /// A system whose clock stands a minute after the recording.
    pub async fn world(&self) -> World {
        World::at(Clock::fixed(self.at + TimeDelta::minutes(1))).await
    }

    /// Sends all requests, expects 200, and waits for the aggregation. Returns the bodies.
    pub async fn send(&self, world: &World) -> Vec<Bytes> {
        let mut bodies = Vec::new();
        for Recorded { path, headers, body } in &self.requests {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (status, response) = post(world, path, &headers, body.clone()).await;
            assert_eq!(status, StatusCode::OK, "{path}: {response:?}");
            bodies.push(response);
        }
        world.stack.drain().await;
        bodies
    }
}

/// Posts a body as the organization `acme`.
pub async fn post(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> (StatusCode, Bytes) {
    let token = world.stack.token("acme", &[Scope::EventsWrite]).unwrap();
    let mut request = Request::builder().method(Method::POST).uri(path);
    request = request.header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = world.stack.call(request.body(body.into()).unwrap()).await;
    (response.status(), response.into_body())
}

/// Calls, tokens in and out, and cost of each model, and how many are unpriced.
pub async fn models(world: &World) -> Vec<String> {
    let body = world.caller("acme").get("/v1/metrics/models?days=7").await;
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
        ["provider", "model", "request_count", "tokens_in", "tokens_out", "estimated_cost_usd"]
            .map(text)
            .join(" ")
    };
    let mut rows: Vec<_> = body["models"].as_array().unwrap().iter().map(row).collect();
    rows.sort();
    rows
}
