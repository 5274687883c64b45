//! The parameter `days`, which all four endpoints share.

use http::StatusCode;
use serde_json::json;

use crate::support::{World, faults};

const PATHS: [&str; 4] =
    ["/v1/metrics/summary", "/v1/metrics/usage", "/v1/metrics/models", "/v1/metrics/instances"];

#[tokio::test]
async fn days_run_from_7_to_90() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for path in PATHS {
        for good in ["", "?days=7", "?days=90", "?days=30&unknown=1"] {
            caller.get(&format!("{path}{good}")).await;
        }
        for (bad, kind) in [
            ("days=6", "greater_than_equal"),
            ("days=91", "less_than_equal"),
            ("days=x", "int_parsing"),
            ("days=", "int_parsing"),
            ("days=30&days=30", "repeated"),
        ] {
            let response = caller.try_get(&format!("{path}?{bad}")).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {bad}");
            assert_eq!(faults(&response.body["detail"]), [format!("query.days {kind}")]);
        }
    }
}

#[tokio::test]
async fn the_window_ends_with_today() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let days = |response: serde_json::Value| {
        let points = response["points"].as_array().unwrap();
        let day = |i: usize| points[i]["date"].as_str().unwrap().to_owned();
        (points.len(), day(0), day(points.len() - 1))
    };
    let seven = days(caller.get("/v1/metrics/usage?days=7").await);
    assert_eq!(seven, (7, "2026-09-09".to_owned(), "2026-09-15".to_owned()));
    let ninety = days(caller.get("/v1/metrics/usage?days=90").await);
    assert_eq!(ninety, (90, "2026-06-18".to_owned(), "2026-09-15".to_owned()));
}

#[tokio::test]
async fn an_empty_organization_has_zeros() {
    let world = World::new().await;
    let caller = world.caller("acme");
    assert_eq!(
        caller.get("/v1/metrics/summary").await,
        json!({
            "active_instances": 0,
            "estimated_cost_usd": "0.00",
            "period_days": 30,
            "total_requests": 0,
            "total_tokens": 0,
            "total_tokens_in": 0,
            "total_tokens_out": 0,
            "unique_models": 0,
            "unpriced_requests": 0,
        })
    );
    let usage = caller.get("/v1/metrics/usage?days=7").await;
    assert_eq!(usage["period_days"], 7);
    assert_eq!(
        usage["points"][6],
        json!({
            "date": "2026-09-15",
            "estimated_cost_usd": "0.00",
            "requests": 0,
            "tokens_in": 0,
            "tokens_out": 0,
            "unpriced_requests": 0,
        })
    );
    let models = json!({ "models": [], "total_requests": 0, "unpriced_requests": 0 });
    assert_eq!(caller.get("/v1/metrics/models").await, models);
    let instances = json!({ "instances": [], "total_count": 0, "unpriced_requests": 0 });
    assert_eq!(caller.get("/v1/metrics/instances").await, instances);
}
