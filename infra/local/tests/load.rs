//! Measures the local stack under load, and prints a table: responses per second, latency, refusals and backlog by
//! number of connections. Each connection sends one request after another, each with 25 calls.
//!
//! ```text
//! cargo test --release --workspace --test load -- --ignored --nocapture
//! ```
//!
//! `FLEETLEDGER_SECONDS` sets how long each row is measured.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use runtime::clock::Clock;
use serde_json::{Value, json};
use support::Stack;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const CONNECTIONS: [usize; 6] = [1, 4, 16, 64, 128, 256];
const SECONDS: u64 = 10;
/// Events of a request.
const EVENTS: u64 = 25;
/// Longer than any backlog should take.
const MOST_BACKLOG: Duration = Duration::from_mins(5);

/// What happened at one number of connections.
struct Row {
    connections: usize,
    elapsed: Duration,
    /// Of successful responses, in order.
    latencies: Vec<Duration>,
    refused: u64,
    failed: u64,
    /// Events that were not in the figures when the load ended.
    backlog: u64,
    /// How long it took until they were.
    caught_up: Duration,
    /// How long the first request after the load took.
    next: Duration,
}

struct Load {
    http: Client,
    url: String,
    token: String,
}

impl Load {
    async fn send(&self, connection: usize, number: u64) -> (StatusCode, Duration) {
        let time = Clock::system().now().to_rfc3339();
        let call = |event: u64| {
            json!({
                "specversion": "1.0", "type": "llm.call", "source": format!("/load/{connection}"),
                "id": format!("{number}-{event}"), "time": time,
                "data": { "agent_id": format!("agent-{}", event % 5), "provider": "openai", "model": "gpt-4o",
                    "input_tokens": 1000, "output_tokens": 100 },
            })
        };
        let body: Value = (0..EVENTS).map(call).collect();
        let began = Instant::now();
        let request = self.http.post(format!("{}/v1/events", self.url)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        // A connection that breaks has no status; it counts as failed.
        let status = match request.send().await {
            Ok(response) => {
                let status = response.status();
                response.bytes().await.map_or(StatusCode::BAD_GATEWAY, |_| status)
            }
            Err(_) => StatusCode::BAD_GATEWAY,
        };
        (status, began.elapsed())
    }

    async fn counted(&self) -> u64 {
        let request = self.http.get(format!("{}/v1/metrics/summary", self.url)).bearer_auth(&self.token);
        let summary = request.send().await.unwrap().text().await.unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        summary["total_requests"].as_u64().unwrap_or_default()
    }
}

/// Measures one number of connections, as an organization of its own.
async fn measure(url: &str, connections: usize, seconds: u64) -> Row {
    let token = support::token(&format!("load-{connections}"));
    let load = Arc::new(Load { http: Client::new(), url: url.to_owned(), token });
    let (began, mut senders) = (Instant::now(), JoinSet::new());
    let until = began + Duration::from_secs(seconds);
    for connection in 0..connections {
        let load = load.clone();
        senders.spawn(async move {
            let (mut latencies, mut refused, mut failed) = (Vec::new(), 0, 0);
            for number in 0.. {
                if Instant::now() >= until {
                    break;
                }
                match load.send(connection, number).await {
                    (StatusCode::OK, latency) => latencies.push(latency),
                    (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
                        refused += 1;
                        // The pause that Retry-After requests.
                        sleep(Duration::from_secs(1)).await;
                    }
                    _ => failed += 1,
                }
            }
            (latencies, refused, failed)
        });
    }
    let (mut latencies, mut refused, mut failed) = (Vec::new(), 0, 0);
    while let Some(sender) = senders.join_next().await {
        let (of_sender, more_refused, more_failed) = sender.unwrap();
        latencies.extend(of_sender);
        refused += more_refused;
        failed += more_failed;
    }
    let elapsed = began.elapsed();
    latencies.sort_unstable();
    let accepted = latencies.len() as u64 * EVENTS;
    let ended = Instant::now();
    let mut counted = load.counted().await;
    let next = ended.elapsed();
    let backlog = accepted.saturating_sub(counted);
    while counted < accepted && ended.elapsed() < MOST_BACKLOG {
        sleep(Duration::from_millis(100)).await;
        counted = load.counted().await;
    }
    // Requests that failed may have been stored; acknowledged ones must be.
    assert!(counted >= accepted, "{counted} of {accepted} acknowledged events are counted");
    Row { connections, elapsed, latencies, refused, failed, backlog, caught_up: ended.elapsed(), next }
}

impl Row {
    /// Successful responses in a hundred seconds, because floats are not allowed.
    fn rate(&self) -> u128 {
        self.latencies.len() as u128 * 100_000 / self.elapsed.as_millis().max(1)
    }

    fn percentile(&self, thousandths: usize) -> u128 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * thousandths / 1000).map_or(0, Duration::as_millis)
    }

    fn print(&self) {
        println!(
            "| {} | {}.{:02} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.connections,
            self.rate() / 100,
            self.rate() % 100,
            self.rate() * u128::from(EVENTS) / 100,
            self.percentile(500),
            self.percentile(990),
            self.percentile(999),
            self.refused,
            self.failed,
            self.backlog,
            self.caught_up.as_millis(),
            self.next.as_millis(),
        );
    }
}

#[allow(clippy::disallowed_methods, reason = "a setting of this test")]
fn seconds() -> u64 {
    std::env::var("FLEETLEDGER_SECONDS").ok().map_or(SECONDS, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures for people; with --nocapture"]
async fn load_table() {
    let data = tempfile::tempdir().unwrap();
    let stack = Stack::start(data.path());
    println!(
        "| connections | good responses/s | events/s | p50 ms | p99 ms | p99.9 ms | refused | failed | backlog | \
         counted after ms | next answer ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        let row = measure(&stack.url, connections, seconds()).await;
        row.print();
        rows.push(row);
    }
    let best = rows.iter().max_by_key(|row| row.rate()).unwrap();
    let last = rows.last().unwrap();
    let share = last.rate() * 100 / best.rate().max(1);
    println!(
        "best at {} connections; at {} the goodput is {share} % of it",
        best.connections, last.connections
    );
}
