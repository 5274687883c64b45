//! Real packages report to a running stack, with an environment variable or a line of configuration and a key.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Stack, token};

const OPENAI: [&str; 4] = [
    "openai gpt-4.1-limited 1 0 0 0.00",
    "openai gpt-4.1-mini-2025-04-14 2 1290 320 0.0007208",
    "openai gpt-5-mini-2025-08-07 1 2000 400 0.0004772",
    "openai text-embedding-3-small 1 11 0 0.00000022",
];

/// What the calls of each sender cost, computed as in `tests/intake/replay.rs`.
fn senders() -> Vec<(&'static str, Vec<&'static str>)> {
    let otel = [
        "anthropic claude-sonnet-4-5-20250929 2 2851 180 0.0074514",
        "google gemini-2.5-flash 2 1900 360 0.00127",
    ];
    let openinference = [
        "anthropic claude-sonnet-4-5-20250929 2 2851 180 0.0274514",
        "google gemini-2.5-flash 2 1950 360 0.001285",
    ];
    vec![
        ("otel", [&otel[..], &OPENAI].concat()),
        ("openinference", [&openinference[..], &OPENAI].concat()),
        (
            "litellm",
            vec![
                "anthropic claude-sonnet-4-5 1 2841 150 0.0269714",
                "openai gpt-4.1-mini 1 1200 300 0.0006528",
            ],
        ),
        ("ai-sdk", vec!["anthropic claude-sonnet-4-5-20250929 3 2861 210 0.0067794", OPENAI[3]]),
    ]
}

struct Api<'a> {
    stack: &'a Stack,
    client: reqwest::Client,
}

impl Api<'_> {
    async fn key(&self, org: &str) -> String {
        let body = json!({ "name": "exporter", "scopes": ["events:write"] }).to_string();
        let request = self.client.post(format!("{}/api/keys", self.stack.url)).bearer_auth(token(org));
        let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
        let key: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        key["key"].as_str().unwrap().to_owned()
    }

    async fn get(&self, org: &str, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.stack.url)).bearer_auth(token(org));
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// Calls, tokens in and out, and cost of each model.
    async fn models(&self, org: &str) -> Vec<String> {
        let body = self.get(org, "/v1/metrics/models?days=7").await;
        let row = |row: &Value| {
            let names =
                ["provider", "model", "request_count", "tokens_in", "tokens_out", "estimated_cost_usd"];
            names
                .map(|name| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned))
                .join(" ")
        };
        let mut rows: Vec<_> = body["models"].as_array().unwrap().iter().map(row).collect();
        rows.sort();
        rows
    }
}

/// Every call is reported twice, as spans, log records and metrics if the sender has all of them, and is counted once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "installs packages from PyPI and npm: cargo test --workspace --test live_senders -- --ignored"]
async fn live_senders() {
    let data = tempfile::tempdir().unwrap();
    let stack = Stack::start(data.path());
    let api = Api { stack: &stack, client: reqwest::Client::builder().no_proxy().build().unwrap() };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new("python3");
    command.arg(root.join("tests/intake/record/live.py")).arg(&stack.url).arg(root.join("target/live"));
    for (sender, _) in senders() {
        command.arg(format!("{sender}={}", api.key(sender).await));
    }
    assert!(command.status().unwrap().success());
    for (sender, expected) in senders() {
        let mut models = Vec::new();
        for _ in 0..50 {
            models = api.models(sender).await;
            if models == expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(models, expected, "{sender}");
        let sources = api.get(sender, "/api/sources").await;
        let source = &sources["sources"][0];
        assert_eq!(source["refused"], json!({}), "{sources}");
        assert!(source["duplicates"].as_u64() > Some(0), "{sources}");
        let log = api.get(sender, "/api/activity").await.to_string();
        assert!(!log.contains("PLANTED"), "content was stored");
    }
}
