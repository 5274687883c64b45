//! `/v1/billing/usage/chart`: which days it shows, and of which agent.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{at, call};
use crate::support::{World, faults, noon};

const PATH: &str = "/v1/billing/usage/chart";

#[tokio::test]
async fn days_run_from_1_to_365() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (query, days, first, label) in [
        ("", 30, "2026-08-17", "Last 30 days"),
        ("?days=1", 1, "2026-09-15", "Last 1 day"),
        ("?days=2&unknown=x", 2, "2026-09-14", "Last 2 days"),
        ("?days=365", 365, "2025-09-16", "Last 365 days"),
    ] {
        let chart = caller.get(&format!("{PATH}{query}")).await;
        let points = chart["points"].as_array().unwrap();
        assert_eq!((points.len(), &chart["period_label"]), (days, &json!(label)));
        let empty = |date: &str| json!({ "cost_usd": "0.00", "date": date, "requests": 0, "tokens": 0, "unpriced_requests": 0 });
        assert_eq!((&points[0], &points[days - 1]), (&empty(first), &empty("2026-09-15")));
    }
    for (query, expected) in [
        ("days=0", vec!["query.days greater_than_equal"]),
        ("days=366", vec!["query.days less_than_equal"]),
        ("days=x&instance_id=a%09b", vec!["query.days int_parsing", "query.instance_id id"]),
        ("instance_id=", vec!["query.instance_id id"]),
        ("instance_id=a&instance_id=a", vec!["query.instance_id repeated"]),
    ] {
        let response = caller.try_get(&format!("{PATH}?{query}")).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(faults(&response.body["detail"]), expected);
    }
}

#[tokio::test]
async fn an_agent_is_known_once_it_is_registered_or_seen() {
    let world = World::new().await;
    let caller = world.caller("acme");
    world.caller("other").record(&[call("1", "theirs", noon(), &json!({}))]).await;
    let of = |agent: &str| format!("{PATH}?days=2&instance_id={agent}");
    let unknown = caller.try_get(&of("nobody")).await;
    assert_eq!(
        (unknown.status, &unknown.body),
        (StatusCode::NOT_FOUND, &json!({ "detail": "Instance not found" }))
    );
    assert_eq!(caller.try_get(&of("theirs")).await.body, unknown.body);
    caller.put("/api/agents/new", &json!({})).await;
    let sum = |chart: &Value| -> u64 {
        chart["points"].as_array().unwrap().iter().map(|point| point["tokens"].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(&caller.get(&of("new")).await), 0);
    caller.record(&[call("1", "a/b", noon(), &json!({})), call("2", "a", noon(), &json!({}))]).await;
    assert_eq!(sum(&caller.get(&of("a/b")).await), 1_200);
    assert_eq!(sum(&caller.get(&of("a%2Fb")).await), 1_200);
    assert_eq!(sum(&caller.get(&format!("{PATH}?days=1")).await), 2_400);
    // An agent last seen before the window is known, too.
    caller.record(&[call("3", "old", noon() - TimeDelta::days(30), &json!({}))]).await;
    assert_eq!(sum(&caller.get(&of("old")).await), 0);
    assert_eq!(sum(&caller.get(&format!("{PATH}?days=31&instance_id=old")).await), 1_200);
    assert_eq!(sum(&caller.get(&format!("{PATH}?days=30&instance_id=old")).await), 0);
}

/// The days of one agent over a year do not fit into one `BatchGetItem` call.
#[tokio::test]
async fn a_year_of_one_agent_over_a_leap_day() {
    let world = World::at(runtime::clock::Clock::fixed(at("2027-04-01T12:00:00Z"))).await;
    let caller = world.caller("acme");
    let clock = world.stack.clock();
    for days in (0..366).step_by(30) {
        let now = at("2028-03-31T12:00:00Z") - TimeDelta::days(365 - days);
        clock.set(now);
        let calls: Vec<_> = (0..30)
            .flat_map(|back| {
                let time = now - TimeDelta::days(back);
                let id = |agent| format!("{agent}-{}", time.date_naive());
                ["one", "two"].map(|agent| call(&id(agent), agent, time, &json!({ "input_tokens": back })))
            })
            .collect();
        caller.record(&calls).await;
    }
    clock.set(at("2028-03-20T12:00:00Z"));
    let chart = caller.get(&format!("{PATH}?days=365&instance_id=one")).await;
    let points = chart["points"].as_array().unwrap();
    assert_eq!(points.len(), 365);
    assert_eq!((&points[0]["date"], &points[345]["date"]), (&json!("2027-03-22"), &json!("2028-03-01")));
    assert_eq!(points[344]["date"], "2028-02-29");
    let both = caller.get(&format!("{PATH}?days=365")).await;
    for (one, both) in points.iter().zip(both["points"].as_array().unwrap()) {
        assert_eq!(one["requests"].as_u64().unwrap() * 2, both["requests"].as_u64().unwrap());
        assert_eq!(one["tokens"].as_u64().unwrap() * 2, both["tokens"].as_u64().unwrap());
    }
    let requests: u64 = points.iter().map(|point| point["requests"].as_u64().unwrap()).sum();
    assert_eq!(requests, 365, "one request a day");
}
