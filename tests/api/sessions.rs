//! `/api/sessions`.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::cost_analysis::call;
use crate::support::events::event;
use crate::support::{World, encoded, faults, noon};

const PATH: &str = "/api/sessions";
/// A call of it costs 0.80.
const HAIKU: &str = "anthropic/claude-haiku-3.5";

fn ago(minutes: i64) -> DateTime<Utc> {
    noon() - TimeDelta::minutes(minutes)
}

/// A session of three agents, one of which calls a tool and completes a task; a longer and cheaper one; and none.
async fn world() -> World {
    let world = World::new().await;
    let of = |parent: &str| json!({ "session_id": "s/1", "parent_agent_id": parent });
    let tool = json!({
        "agent_id": "scout", "event_type": "tool_call", "details": { "tool": "search" }, "session_id": "s/1",
        "parent_agent_id": "lead",
    });
    let task = json!({ "agent_id": "lead", "task_type": "research", "session_id": "s/1" });
    let cheap = json!({ "conversation_id": "s2", "cost_usd": "0.10" });
    world
        .caller("acme")
        .record(&[
            call("1", "lead", HAIKU, ago(60), &json!({ "session_id": "s/1", "latency_ms": 100 })),
            call("2", "scout", HAIKU, ago(50), &of("lead")),
            event("3", "agent.activity", ago(45), tool),
            call("4", "reader", "acme/unknown", ago(40), &of("scout")),
            event("5", "task.completed", ago(30), task),
            call("6", "lead", HAIKU, ago(20), &cheap),
            call("7", "lead", HAIKU, ago(3 * 24 * 60), &cheap),
            call("8", "lead", HAIKU, ago(10), &json!({})),
        ])
        .await;
    world
}

fn ids(list: &Value) -> Vec<&str> {
    list["sessions"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sessions_are_listed_by_cost_or_by_time_and_paged() {
    let world = world().await;
    let caller = world.caller("acme");
    let all = caller.get(PATH).await;
    assert_eq!(ids(&all), ["s/1", "s2"]);
    let first = &all["sessions"][0];
    assert_eq!(
        (&first["cost"], &first["requests"], &first["unpricedRequests"]),
        (&json!(1.6), &json!(3), &json!(1))
    );
    assert_eq!(
        (&first["agentCount"], &first["toolCalls"], &first["tasks"]),
        (&json!(3), &json!(1), &json!(1))
    );
    assert_eq!(
        (&first["startedAt"], &first["endedAt"]),
        (&json!("2026-09-15T11:00:00Z"), &json!("2026-09-15T11:30:00Z"))
    );
    assert_eq!(all["sessions"][1]["cost"], json!(0.2));
    assert_eq!(ids(&caller.get(&format!("{PATH}?order=time")).await), ["s/1", "s2"]);
    // Only the events in the range count.
    let today = caller.get(&format!("{PATH}?from=2026-09-15&order=time")).await;
    assert_eq!((ids(&today), &today["sessions"][0]["cost"]), (vec!["s2", "s/1"], &json!(0.1)));
    let page = caller.get(&format!("{PATH}?limit=1")).await;
    let cursor = page["pagination"]["nextCursor"].as_str().unwrap();
    let next = caller.get(&format!("{PATH}?limit=1&cursor={cursor}")).await;
    assert_eq!((ids(&page), ids(&next)), (vec!["s/1"], vec!["s2"]));
    assert_eq!(next["pagination"]["nextCursor"], Value::Null);
}

#[tokio::test]
async fn a_session_shows_its_steps_in_order_and_its_agents_as_a_tree() {
    let world = world().await;
    let caller = world.caller("acme");
    let path = format!("{PATH}/{}", encoded("s/1"));
    let session = caller.get(&path).await;
    let steps = session["steps"].as_array().unwrap();
    let kinds: Vec<_> = steps
        .iter()
        .map(|step| format!("{} {}", step["agentId"].as_str().unwrap(), step["type"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        ["lead llm.call", "scout llm.call", "scout agent.activity", "reader llm.call", "lead task.completed"]
    );
    assert_eq!((&steps[2]["details"], &steps[3]["unpriced"]), (&json!({ "tool": "search" }), &json!(true)));
    assert_eq!((&session["totals"]["cost"], &session["toolCalls"]), (&json!(1.6), &json!(1)));
    let lead = &session["agents"][0];
    let (scout, reader) = (&lead["children"][0], &lead["children"][0]["children"][0]);
    assert_eq!(session["agents"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&lead["agentId"], &scout["agentId"], &reader["agentId"]),
        (&json!("lead"), &json!("scout"), &json!("reader"))
    );
    assert_eq!((&lead["cost"], &lead["tasks"], &scout["toolCalls"]), (&json!(0.8), &json!(1), &json!(1)));
    let page = caller.get(&format!("{path}?limit=3")).await;
    let cursor = page["pagination"]["nextCursor"].as_str().unwrap();
    let rest = caller.get(&format!("{path}?limit=3&cursor={cursor}")).await;
    let joined =
        [page["steps"].as_array().unwrap().clone(), rest["steps"].as_array().unwrap().clone()].concat();
    assert_eq!(&joined, steps);
}

#[tokio::test]
async fn sessions_outside_the_range_and_of_others_are_not_found() {
    let world = world().await;
    let path = format!("{PATH}/{}", encoded("s/1"));
    for (org, path) in
        [("acme", format!("{path}?to=2026-09-15")), ("other", path), ("acme", format!("{PATH}/s3"))]
    {
        let response = world.caller(org).try_get(&path).await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ids(&world.caller("other").get(PATH).await), [""; 0]);
    for (query, fault) in [
        ("from=2026-09-01", "query.from range_too_long"),
        ("from=2026-09-15&to=2026-09-15", "query.to range"),
        ("from=2025-01-01&to=2025-01-02", "query.from expired"),
        ("order=name", "query.order enum"),
        ("cursor=x", "query.cursor cursor"),
    ] {
        let response = world.caller("acme").try_get(&format!("{PATH}?{query}")).await;
        assert_eq!(faults(&response.body["detail"]), [fault], "{query}");
    }
}
