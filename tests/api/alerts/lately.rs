//! What added most lately, where the raw events cannot be read: an alert is decided all the same.

use std::sync::Arc;
use std::time::Duration;

use aggregator::Aggregator;
use budget_alerts::BudgetAlerts;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use local::template::Template;
use local::{tables, token};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::Store;
use store::keys::SK;
use store::keys::alerts::{ALERT, MESSAGE};
use web::auth::Scope;

use super::{TIME, outlets};
use crate::simulation::engine::Engine;
use crate::simulation::service::{self, SECRET};
use crate::simulation::wire::{Answer, EXAMINER, Wire};
use crate::support::noon;
use crate::support::tables::{call, deliver, names, record};

/// A run waits 20 s for an organisation's events; it asks for two days of four lanes at once.
const LONG: Duration = Duration::from_secs(3);

/// How it goes with the raw events.
#[derive(Clone, Copy, Debug)]
enum Events {
    Readable,
    Slow,
    Refused,
}

/// What the one alert of a run names, where it goes so with the raw events.
async fn top(events: Events) -> Value {
    let engine = Arc::new(Engine::new());
    let wire = Wire::new(engine.clone());
    let client = wire.client(EXAMINER);
    tables::create(&client, &Template::built_in().unwrap().tables).await.unwrap();
    let registry = service::registry(EXAMINER, client.clone(), Clock::fixed(noon()));
    let token = token::issue(&SECRET, "acme", &Scope::ALL, 3600).unwrap();
    let budget = json!({ "monthly": 100 });
    let (status, body) = registry.send(Method::PUT, "/api/budget", &token, Some(&budget)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    // The second was yesterday, but more than 24 hours ago.
    let calls =
        [call(1, "nova", "m", "55", noon()), call(2, "vega", "m", "30", noon() - TimeDelta::hours(30))];
    let mut records = Vec::new();
    for (nth, call) in (1..).zip(&calls) {
        let record = record(call, &format!("{nth:021}"));
        let item = json!({ "TableName": names().events, "Item": record["dynamodb"]["NewImage"] });
        assert_eq!(engine.execute("PutItem", &item).0, 200);
        records.push(record);
    }
    deliver(&Aggregator::new(Store::new(client, &names())), "shardId-1", &records).await;

    let function = BudgetAlerts::new(Store::new(wire.client(1), &names()), Clock::fixed(noon()), outlets());
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
                request.answer(Answer::Reply(400, refusal.to_string()));
            }
            _ => request.answer(Answer::Reply(status, body)),
        }
    }
    assert_eq!(run.await.unwrap().unwrap()["decided"], 1);
    let items = engine.all(&names().registry);
    let mut messages = items.iter().filter_map(|item| {
        let item = serde_json::to_value(item).unwrap();
        item[SK]["S"].as_str()?.strip_prefix(ALERT)?;
        serde_json::from_str::<Value>(item[MESSAGE]["S"].as_str()?).ok()
    });
    let told = messages.find(|message| message["data"]["threshold_percent"] == 80).unwrap();
    told["data"]["top"].clone()
}

#[tokio::test(start_paused = true)]
async fn what_added_most_is_told_by_days_where_the_events_cannot_be_read_in_time() {
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
