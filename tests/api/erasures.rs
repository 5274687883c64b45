//! Forgetting the name of an end user.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use store::keys::PK;

use crate::support::events::event;
use crate::support::tables::names;
use crate::support::{World, encoded, noon};

/// With what JSON escapes, and what Unicode composes.
const NAME: &str = "Zoe\u{308} \"Q\" Quux";

fn call(id: &str, days: i64, user: &str) -> Value {
    let data = json!({ "agent_id": "nova", "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000,
        "output_tokens": 10, "end_user": user });
    event(id, "llm.call", noon() - TimeDelta::days(days), data)
}

/// The items that have the name in any form, by their keys, and how often.
#[allow(clippy::disallowed_methods, reason = "nothing may be left anywhere")]
async fn named(world: &World) -> Vec<(String, usize)> {
    fn occurrences(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.matches("Quux").count(),
            AttributeValue::B(bytes) => bytes.as_ref().windows(4).filter(|part| part == b"Quux").count(),
            AttributeValue::M(fields) => fields.values().map(occurrences).sum(),
            AttributeValue::L(items) => items.iter().map(occurrences).sum(),
            AttributeValue::Ss(texts) => texts.iter().map(|text| text.matches("Quux").count()).sum(),
            _ => 0,
        }
    }
    let mut all = Vec::new();
    for table in [names().events, names().usage, names().registry] {
        let mut start = None;
        loop {
            let page = world.stack.client().scan().table_name(&table).consistent_read(true);
            let page = page.set_exclusive_start_key(start).send().await.unwrap();
            for item in page.items() {
                let count: usize = item.values().map(occurrences).sum();
                if count > 0 {
                    all.push((item[PK].as_s().unwrap().clone(), count));
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
    }
    all
}

async fn figures(world: &World) -> Vec<Value> {
    let caller = world.caller("acme");
    let mut all = Vec::new();
    for path in [
        "/v1/billing",
        "/api/cost-analysis/summary",
        "/v1/metrics/models",
        "/api/cost-analysis/query?groupBy=agent",
    ] {
        let mut figures = caller.get(path).await;
        for varying in ["asOf", "completeThrough", "from", "to"] {
            figures.as_object_mut().unwrap().remove(varying);
        }
        all.push(figures);
    }
    all
}

#[tokio::test]
async fn a_name_is_forgotten_and_figures_stay() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.put("/api/organization", &json!({ "timezone": "Asia/Kathmandu" })).await;
    let amended = json!({ "agent_id": "nova", "provider": "openai", "model": "gpt-4o", "input_tokens": 7,
        "output_tokens": 1, "end_user": NAME, "revision": 1 });
    caller
        .record(&[
            call("1", 0, NAME),
            call("2", 3, NAME),
            call("3", 0, "bob"),
            call("4", 3, "Zoe"),
            call("5", 1, NAME),
        ])
        .await;
    caller.record(&[event("5", "llm.call", noon() - TimeDelta::days(1), amended)]).await;
    // Someone else's, of another organization.
    world.caller("other").record(&[call("1", 0, NAME)]).await;
    // One of the five items has the name twice.
    let before: usize = named(&world).await.iter().map(|(_, count)| count).sum();
    assert_eq!(before, 6);
    let before = figures(&world).await;
    assert_eq!(before[0]["usage"]["unique_end_users"], 3);

    let path = format!("/api/end-users/{}", encoded(NAME));
    let requested = caller.send(Method::DELETE, &path, &[], "").await;
    assert_eq!((requested.status, &requested.body["status"]), (StatusCode::ACCEPTED, &json!("pending")));
    let again = caller.send(Method::DELETE, &path, &[], "").await;
    assert_eq!(again.body["id"], requested.body["id"]);
    let erase =
        async || world.stack.invoke("reconcile", json!({ "do": "erase" })).await.unwrap()["erased"].clone();
    let only = async || caller.get("/api/erasures").await["items"][0].clone();
    assert_eq!(erase().await, 4);
    // Requests may still be on their way.
    assert_eq!(erase().await, 0);
    assert_eq!(only().await["status"], "pending");
    world.stack.clock().set(noon() + TimeDelta::minutes(3));
    assert_eq!(erase().await, 0);
    assert_eq!(only().await["status"], "pending");
    // The request's own audit entry is still in the stream.
    world.stack.invoke("completeness", json!({})).await.unwrap();
    erase().await;
    assert_eq!(only().await["status"], "pending");
    world.stack.drain().await;
    world.stack.invoke("completeness", json!({})).await.unwrap();
    erase().await;
    let done = only().await;
    assert_eq!(
        (&done["status"], &done["events"], &done["days"]),
        (&json!("done"), &json!(4), &done["days_read"])
    );
    assert_eq!(done["completed_at"], "2026-09-15T12:03:00Z");

    world.stack.drain().await;
    let left = named(&world).await;
    assert!(left.len() == 1 && left[0].0.starts_with("other#2026-09-15"), "{left:#?}");
    world.stack.clock().set(noon());
    assert_eq!(figures(&world).await, before);
    for day in ["2026-09-12", "2026-09-14", "2026-09-15"] {
        let repair = json!({ "do": "day", "org": "acme", "day": day, "repair": true });
        let report = world.stack.invoke("reconcile", repair).await.unwrap();
        assert_eq!((&report["drift"], &report["repaired"]), (&json!(0), &json!(0)), "{report}");
    }
    assert_eq!(figures(&world).await, before);
    // The request itself is in the activity log, without the name.
    let log = caller.get("/api/activity?eventType=config_change").await.to_string();
    assert!(log.contains("erasure ") && !log.contains("Quux"), "{log}");
}
