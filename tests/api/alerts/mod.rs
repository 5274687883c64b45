//! `/api/alerts`, and the function that decides and delivers the alerts.

mod crashes;
mod destinations;
mod forecast;
mod formats;
mod last_24_hours;
mod list;
mod message;
mod organizations;
mod resolved;
mod retries;
mod rules;
mod stored_budgets;
mod thresholds;
mod time_limit;
mod topic;

use std::time::Duration;

use budget_alerts::{BudgetAlerts, Channels};
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use ledger::period;
use runtime::clock::Clock;
use serde_json::{Value, json};
use webhook::{Policy, Webhooks};

use crate::support::events::event;
use crate::support::receiver::{Received, Receiver};
use crate::support::tables::budget_alerts_of;
use crate::support::{Response, World, noon};

/// The interval of scheduled runs.
const RUNS: TimeDelta = TimeDelta::minutes(5);
/// The timeout of a run.
const TIME: Duration = Duration::from_mins(4);

/// The system with an organization whose alerts go to a receiver.
pub struct Watch {
    pub world: World,
    pub receiver: Receiver,
    spent: std::cell::Cell<u32>,
}

impl Watch {
    pub async fn new() -> Self {
        Self::at(noon()).await
    }

    pub async fn at(now: DateTime<Utc>) -> Self {
        let world = World::at(Clock::fixed(now)).await;
        let receiver = Receiver::start().await;
        let watch = Self { world, receiver, spent: std::cell::Cell::new(0) };
        watch.put("/api/alerts/destinations/ops", &json!({ "url": watch.receiver.url() })).await;
        watch
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.world.stack.clock().now()
    }

    /// Moves the clock forward.
    pub fn wait(&self, time: TimeDelta) {
        self.world.stack.clock().set(self.now() + time);
    }

    pub async fn put(&self, path: &str, body: &Value) {
        self.world.caller("acme").put(path, body).await;
        self.world.stack.drain().await;
    }

    pub async fn delete(&self, path: &str) {
        let response = self.world.caller("acme").send(Method::DELETE, path, &[], "").await;
        assert_eq!(response.status, StatusCode::NO_CONTENT, "{}", response.body);
        self.world.stack.drain().await;
    }

    /// Records a call with this cost now.
    pub async fn spend(&self, agent: &str, cost: &str) {
        self.spend_at(self.now(), agent, cost).await;
    }

    /// Records a call with this cost at `time`.
    pub async fn spend_at(&self, time: DateTime<Utc>, agent: &str, cost: &str) {
        self.spent.set(self.spent.get() + 1);
        self.world.caller("acme").record(&[call(&self.spent.get().to_string(), time, agent, cost)]).await;
    }

    /// The function, with a short timeout for webhooks.
    pub fn function(&self) -> BudgetAlerts {
        BudgetAlerts::new(
            budget_alerts_of(self.world.stack.tables()),
            self.world.stack.clock().clone(),
            channels(),
        )
    }

    /// Runs the function once and returns its counts.
    pub async fn run(&self) -> Value {
        self.function().handle(json!({}), TIME).await.unwrap()
    }

    /// Runs the function, moves the clock to the next run, and returns the messages received.
    pub async fn run_and_receive(&self) -> Vec<Received> {
        let before = self.receiver.received().len();
        self.run().await;
        self.wait(RUNS);
        self.receiver.received().split_off(before)
    }

    /// Like `run_and_receive`, with each message abbreviated by `brief`.
    pub async fn run_and_brief(&self) -> Vec<String> {
        self.run_and_receive().await.iter().map(brief).collect()
    }

    /// The items of `/api/alerts`.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let response = self.world.caller("acme").get(&format!("/api/alerts{query}")).await;
        response["items"].as_array().unwrap().clone()
    }

    pub async fn redeliver(&self, id: &str) -> Response {
        let path = format!("/api/alerts/{id}/redeliver");
        self.world.caller("acme").send(Method::POST, &path, &[], "").await
    }
}

/// Webhooks that may go to this machine, with a short timeout.
pub fn channels() -> Channels {
    let policy = Policy { allow_local: true, timeout: Duration::from_millis(500) };
    Channels::new(Webhooks::new(policy).unwrap())
}

/// A call by `agent` with this cost.
pub fn call(id: &str, time: DateTime<Utc>, agent: &str, cost: &str) -> Value {
    let data = json!({
        "agent_id": agent, "provider": "anthropic", "model": "claude-haiku-3.5",
        "input_tokens": 10, "output_tokens": 1, "cost_usd": cost,
    });
    event(id, "llm.call", time, data)
}

/// A message in short: `nova actual 80 of 100.00: 85.00`, preceded by `not` where it resolves alerts.
pub fn brief(received: &Received) -> String {
    let message = received.json();
    let data = &message["data"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (kind, cost) = (text(&data["kind"]), text(&data["cost"]));
    let what = if message["type"] == "budget.resolved" { "not " } else { "" };
    let (who, budget) = (text(&data["subject"]["id"]), text(&data["budget"]));
    format!("{what}{who} {kind} {} of {budget}: {cost}", data["threshold_percent"])
}

/// Statuses, kinds and thresholds, sorted: `sent actual 80`.
pub fn states(alerts: &[Value]) -> Vec<String> {
    let one = |alert: &Value| {
        let text = |name: &str| alert[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("status"), text("kind"), alert["threshold_percent"])
    };
    let mut all: Vec<_> = alerts.iter().map(one).collect();
    all.sort();
    all
}

fn at(text: &str) -> DateTime<Utc> {
    period::parse_instant(text).unwrap()
}
