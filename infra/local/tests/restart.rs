//! The binary, killed without warning and restarted, still has every event that it acknowledged, counted once.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::thread::sleep;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use support::{Stack, event, token};

/// Events per request. Each costs a hundredth of a cent.
const BATCH: u64 = 50;

impl Stack {
    async fn send(&self, client: &Client, token: &str, first: u64) -> Option<Value> {
        let now = ledger::period::rfc3339(runtime::clock::Clock::system().now());
        let data = json!({
            "agent_id": "nova", "provider": "anthropic", "model": "claude-haiku-3.5",
            "input_tokens": 125, "output_tokens": 0,
        });
        let event = |id: u64| event(&id.to_string(), "llm.call", &now, &data);
        let events: Vec<_> = (first..first + BATCH).map(event).collect();
        let request = client.post(format!("{}/v1/events", self.url)).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(json!(events).to_string());
        let response = request.send().await.ok()?;
        assert_eq!(response.status(), 200);
        serde_json::from_slice(&response.bytes().await.ok()?).ok()
    }

    async fn summary(&self, client: &Client, token: &str) -> Value {
        let url = format!("{}/v1/metrics/summary", self.url);
        let response = client.get(url).bearer_auth(token).send().await.unwrap();
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn acknowledged_events_survive_kill_9_and_are_counted_once() {
    let data = tempfile::tempdir().unwrap();
    let token = token("acme");
    let client = Client::new();
    let mut acknowledged = 0;
    for round in 0..4 {
        let stack = Stack::start(data.path());
        for request in 0..3 {
            let response = stack.send(&client, &token, (round * 3 + request) * BATCH).await.unwrap();
            assert_eq!(response, json!({ "accepted": BATCH, "duplicates": 0, "rejected": [] }));
            acknowledged += BATCH;
        }
        // The kill comes at once, after a while, or when the rollups are about to be written.
        sleep(Duration::from_millis(70 * round));
    }
    let stack = Stack::start(data.path());
    let mut summary = Value::Null;
    for _ in 0..200 {
        summary = stack.summary(&client, &token).await;
        if summary["total_requests"] == acknowledged {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    // 600 × 125 tokens at 0.80 per million.
    assert_eq!((&summary["total_requests"], &summary["estimated_cost_usd"]), (&json!(600), &json!("0.06")));
}
