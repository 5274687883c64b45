//! `/api/exports/ocsf`.

use chrono::TimeDelta;
use exports::ocsf::chain::{self, Proof};
use http::StatusCode;
use serde_json::{Value, json};

use super::{file, get};
use crate::support::events::event;
use crate::support::{World, faults, noon};

const PATH: &str = "/api/exports/ocsf";

fn entry(id: &str, hours: i64, details: &Value) -> Value {
    let data = json!({ "agent_id": "nova", "event_type": "tool_call", "details": details });
    event(id, "agent.activity", noon() - TimeDelta::hours(hours), data)
}

#[tokio::test]
async fn entries_of_days_that_are_over_are_exported_oldest_first_and_chained() {
    let world = World::new().await;
    let caller = world.caller("acme");
    // A change of a setting three days ago, and entries since.
    world.stack.clock().set(noon() - TimeDelta::hours(72));
    caller.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    world.stack.clock().set(noon());
    let entries = [
        entry("c", 13, &json!({})),
        entry("a", 37, &json!({ "n": 1 })),
        entry("b", 36, &json!({})),
        entry("d", 1, &json!({})),
    ];
    caller.record(&entries).await;
    let text = file(&world, &format!("{PATH}?from=2026-09-01")).await;
    let days = ["2026-09-12", "2026-09-13", "2026-09-14"].map(str::to_owned).to_vec();
    assert_eq!(chain::verify(text.lines()), Ok(Proof { days, events: 4 }));
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<_> = events[1..].iter().map(|event| event["metadata"]["uid"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let change = &events[0];
    assert_eq!((&change["class_uid"], &change["type_uid"]), (&json!(6003), &json!(600_303)));
    assert_eq!(
        (&change["actor"]["user"]["name"], &change["api"]["operation"]),
        (&json!("local"), &json!("config_change"))
    );
    assert_eq!(
        (&events[1]["type_uid"], &events[1]["unmapped"]["details"]),
        (&json!(600_399), &json!(r#"{"n":1}"#))
    );
    assert_eq!(events[1]["time"], json!((noon() - TimeDelta::hours(37)).timestamp_millis()));
    // The default is yesterday.
    let yesterday = file(&world, PATH).await;
    assert_eq!(yesterday.lines().collect::<Vec<_>>(), text.lines().skip(2).collect::<Vec<_>>());
    // Leaving out a line is noticed.
    let without: Vec<_> = text.lines().enumerate().filter(|(i, _)| *i != 2).map(|(_, line)| line).collect();
    assert!(chain::verify(without).is_err());
}

#[tokio::test]
async fn ranges_without_an_export_say_why() {
    let world = World::new().await;
    for (query, fault) in [
        ("from=yesterday", "query.from date_parsing"),
        ("to=2026-09-16", "query.to range"),
        ("from=2026-09-10&to=2026-09-10", "query.to range"),
        ("from=2025-01-01", "query.from expired"),
        ("cursor=x", "query.cursor cursor"),
    ] {
        let response = get(&world, &format!("{PATH}?{query}")).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(faults(&body["detail"]), [fault], "{query}");
    }
}
