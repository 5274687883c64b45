//! The binary itself: killed without warning and started again, it has every event that it answered for, counted
//! once.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::thread::sleep;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use support::{Stack, event, token};

/// Events in a request, which cost a hundredth of a cent each.
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
        let answer = request.send().await.ok()?;
        assert_eq!(answer.status(), 200);
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    async fn summary(&self, client: &Client, token: &str) -> Value {
        let url = format!("{}/v1/metrics/summary", self.url);
        let answer = client.get(url).bearer_auth(token).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn what_was_answered_for_survives_kill_9_and_is_counted_once() {
    let data = tempfile::tempdir().unwrap();
    let token = token("acme");
    let client = Client::new();
    let mut answered_for = 0;
    for round in 0..4 {
        let stack = Stack::start(data.path());
        for request in 0..3 {
            let answer = stack.send(&client, &token, (round * 3 + request) * BATCH).await.unwrap();
            assert_eq!(answer, json!({ "accepted": BATCH, "duplicates": 0, "rejected": [] }));
            answered_for += BATCH;
        }
        // At once, after a while, or when the sums are about to be written.
        sleep(Duration::from_millis(70 * round));
    }
    let stack = Stack::start(data.path());
    let mut summary = Value::Null;
    for _ in 0..200 {
        summary = stack.summary(&client, &token).await;
        if summary["total_requests"] == answered_for {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    // 600 × 125 tokens at 0.80 a million.
    assert_eq!((&summary["total_requests"], &summary["estimated_cost_usd"]), (&json!(600), &json!("0.06")));
}
