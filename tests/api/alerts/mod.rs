//! `/api/alerts`, and the watch over budgets that makes them.

mod crashes;
mod decided;
mod destinations;
mod forecast;
mod lately;
mod list;
mod message;
mod organizations;
mod resolved;
mod time;
mod topic;
mod watched;

use std::time::Duration;

use budget_alerts::{BudgetAlerts, Outlets};
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use ledger::period;
use runtime::clock::Clock;
use serde_json::{Value, json};
use webhook::{Policy, Webhooks};

use crate::support::events::event;
use crate::support::receiver::{Received, Receiver};
use crate::support::{Answer, World, noon};

/// How far apart runs are.
const RUNS: TimeDelta = TimeDelta::minutes(5);
/// The time that a run has.
const TIME: Duration = Duration::from_mins(4);

/// The system, with one organisation that is told of its alerts.
pub struct Watch {
    pub world: World,
    pub receiver: Receiver,
    spent: std::cell::Cell<u32>,
}

impl Watch {
    pub async fn new() -> Self {
        Self::at(noon()).await
    }

    /// The same at another time.
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

    /// Lets time pass.
    pub fn wait(&self, time: TimeDelta) {
        self.world.stack.clock().set(self.now() + time);
    }

    pub async fn put(&self, path: &str, body: &Value) {
        self.world.caller("acme").put(path, body).await;
        self.world.stack.drain().await;
    }

    pub async fn delete(&self, path: &str) {
        let answer = self.world.caller("acme").send(Method::DELETE, path, &[], "").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        self.world.stack.drain().await;
    }

    /// A call that costs so much now.
    pub async fn spend(&self, agent: &str, cost: &str) {
        self.spend_at(self.now(), agent, cost).await;
    }

    /// A call that costs so much.
    pub async fn spend_at(&self, time: DateTime<Utc>, agent: &str, cost: &str) {
        self.spent.set(self.spent.get() + 1);
        self.world.caller("acme").record(&[call(&self.spent.get().to_string(), time, agent, cost)]).await;
    }

    /// The function, with the limit of webhooks that tests wait for.
    pub fn function(&self) -> BudgetAlerts {
        BudgetAlerts::new(self.world.stack.store().clone(), self.world.stack.clock().clone(), outlets())
    }

    /// A run, and what it came to.
    pub async fn run(&self) -> Value {
        self.function().handle(json!({}), TIME).await.unwrap()
    }

    /// A run, the time of the next one, and what was received meanwhile.
    pub async fn told(&self) -> Vec<Received> {
        let before = self.receiver.received().len();
        self.run().await;
        self.wait(RUNS);
        self.receiver.received().split_off(before)
    }

    /// The same, in short.
    pub async fn told_briefly(&self) -> Vec<String> {
        self.told().await.iter().map(brief).collect()
    }

    /// The list of alerts.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let answer = self.world.caller("acme").get(&format!("/api/alerts{query}")).await;
        answer["items"].as_array().unwrap().clone()
    }

    pub async fn redeliver(&self, id: &str) -> Answer {
        let path = format!("/api/alerts/{id}/redeliver");
        self.world.caller("acme").send(Method::POST, &path, &[], "").await
    }
}

/// Webhooks to this machine, which do not wait long.
pub fn outlets() -> Outlets {
    let policy = Policy { allow_local: true, limit: Duration::from_millis(500) };
    Outlets::new(Webhooks::new(policy).unwrap())
}

/// A call by `agent` that costs so much.
pub fn call(id: &str, time: DateTime<Utc>, agent: &str, cost: &str) -> Value {
    let data = json!({
        "agent_id": agent, "provider": "anthropic", "model": "claude-haiku-3.5",
        "input_tokens": 10, "output_tokens": 1, "cost_usd": cost,
    });
    event(id, "llm.call", time, data)
}

/// Who, what and how much: `nova actual 80 of 100.00: 85.00`.
pub fn brief(received: &Received) -> String {
    let message = received.json();
    let data = &message["data"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (kind, cost) = (text(&data["kind"]), text(&data["cost"]));
    let what = if message["type"] == "budget.resolved" { "not " } else { "" };
    let (who, budget) = (text(&data["subject"]["id"]), text(&data["budget"]));
    format!("{what}{who} {kind} {} of {budget}: {cost}", data["threshold_percent"])
}

/// Statuses and thresholds, newest first: `sent actual 80`.
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
