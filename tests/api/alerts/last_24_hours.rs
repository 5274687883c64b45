//! The top costs of the last 24 hours, where raw events cannot be read: the alert is sent without waiting for them.

use std::sync::Arc;
use std::time::Duration;

use budget_alerts::BudgetAlerts;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use local::template::Template;
use local::{tables, token};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::SK;
use store::keys::alerts::{ALERT, MESSAGE};
use web::auth::Scope;

use super::{TIME, channels};
use crate::simulation::engine::Engine;
use crate::simulation::service::{self, SECRET};
use crate::simulation::wire::{DIRECT, SdkResponse, Wire};
use crate::support::noon;
use crate::support::tables::{aggregator_at_noon, call, deliver, names, open, record};

/// A run reads two days of four lanes in parallel, and waits at most 20 s for the events of an organization.
const LONG: Duration = Duration::from_secs(3);

/// How reads of raw events go.
#[derive(Clone, Copy, Debug)]
enum Events {
    Readable,
    Slow,
    Refused,
}

/// The top costs in the only alert of a run.
async fn top(events: Events) -> Value {
    let engine = Arc::new(Engine::new());
    let wire = Wire::new(engine.clone());
    let client = wire.client(DIRECT);
    tables::create(&client, &Template::built_in().unwrap().tables).await.unwrap();
    let registry = service::registry(DIRECT, client.clone(), Clock::fixed(noon()));
    let token = token::issue(&SECRET, "acme", &Scope::ALL, 3600).unwrap();
    let budget = json!({ "monthly": 100 });
    let (status, body) = registry.send(Method::PUT, "/api/budget", &token, Some(&budget)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    // The second call was yesterday, but more than 24 hours ago.
    let calls =
        [call(1, "nova", "m", "55", noon()), call(2, "vega", "m", "30", noon() - TimeDelta::hours(30))];
    let mut records = Vec::new();
    for (nth, call) in (1..).zip(&calls) {
        let record = record(call, &format!("{nth:021}"));
        let item = json!({ "TableName": names().events, "Item": record["dynamodb"]["NewImage"] });
        assert_eq!(engine.execute("PutItem", &item).0, 200);
        records.push(record);
    }
    deliver(&aggregator_at_noon(open(client)), "shardId-1", &records).await;

    let function = BudgetAlerts::new(open(wire.client(1)), Clock::fixed(noon()), channels());
    let run = tokio::spawn(async move { function.handle(json!({}), TIME).await });
    while !run.is_finished() {
        tokio::task::yield_now().await;
        let Some((number, _)) = wire.waiting().first().copied() else { continue };
        let request = wire.take(number);
        let is_of_events = request.body["TableName"] == json!(names().events);
        let (status, body) = engine.execute(&request.operation, &request.body);
        match events {
            Events::Slow if is_of_events => tokio::time::advance(LONG).await,
            Events::Refused if is_of_events => {
                let refusal = json!({ "__type": "com.amazon.coral.service#AccessDeniedException" });
                request.respond(SdkResponse::Http(400, refusal.to_string()));
            }
            _ => request.respond(SdkResponse::Http(status, body)),
        }
    }
    assert_eq!(run.await.unwrap().unwrap()["decided"], 1);
    let items = engine.all(&names().registry);
    let mut messages = items.iter().filter_map(|item| {
        let item = serde_json::to_value(item).unwrap();
        item[SK]["S"].as_str()?.strip_prefix(ALERT)?;
        serde_json::from_str::<Value>(item[MESSAGE]["S"].as_str()?).ok()
    });
    let message = messages.find(|message| message["data"]["threshold_percent"] == 80).unwrap();
    message["data"]["top"].clone()
}

#[tokio::test(start_paused = true)]
async fn top_costs_fall_back_to_daily_rollups_where_events_cannot_be_read_in_time() {
    let named = |agents: &[(&str, &str)], from: &str, cost: &str| {
        let agent = |(id, cost): &(&str, &str)| json!({ "id": id, "name": null, "cost": cost });
        json!({
            "window": { "from": from, "to": "2026-09-15T12:00:00Z" },
            "agents": agents.iter().map(agent).collect::<Vec<_>>(),
            "models": [{ "provider": "p", "model": "m", "cost": cost }],
        })
    };
    let by_hours = named(&[("nova", "55.00")], "2026-09-14T12:00:00Z", "55.00");
    assert_eq!(top(Events::Readable).await, by_hours);
    let by_days = named(&[("nova", "55.00"), ("vega", "30.00")], "2026-09-14T00:00:00Z", "85.00");
    for events in [Events::Slow, Events::Refused] {
        assert_eq!(top(events).await, by_days, "{events:?}");
    }
}
