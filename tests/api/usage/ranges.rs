//! Parameters at their limits.

use http::StatusCode;
use serde_json::json;

use super::sample;
use crate::support::{World, faults};

#[tokio::test]
async fn every_fault_is_listed() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.put("/api/projects/x", &json!({})).await;
    let long = "a".repeat(257);
    for (query, expected) in [
        ("period=weekly", vec!["query.period enum"]),
        ("period=", vec!["query.period enum"]),
        ("period=daily&period=daily", vec!["query.period repeated"]),
        ("start_date=2026-09-01", vec!["query.start_date datetime_parsing"]),
        (
            "period=x&start_date=x&end_date=",
            vec!["query.period enum", "query.start_date datetime_parsing", "query.end_date datetime_parsing"],
        ),
        ("start_date=1969-12-31T23:59:59Z", vec!["query.start_date datetime_range"]),
        ("end_date=9999-01-01T00:00:00Z", vec!["query.end_date datetime_range"]),
        (
            "start_date=2026-09-01T00:00:00Z&end_date=2026-08-31T23:59:59.999Z",
            vec!["query.end_date end_before_start"],
        ),
    ] {
        for path in ["/api/usage", "/api/projects/x/usage"] {
            let response = caller.try_get(&format!("{path}?{query}")).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {query}");
            assert_eq!(faults(&response.body["detail"]), expected, "{query}");
        }
    }
    let both = caller.try_get("/api/usage?project_id=a%09b&period=x").await;
    assert_eq!(faults(&both.body["detail"]), ["query.project_id id", "query.period enum"]);
    for id in ["a%09b", &long] {
        let response = caller.try_get(&format!("/api/projects/{id}/usage")).await;
        assert_eq!(
            (response.status, faults(&response.body["detail"])),
            (StatusCode::UNPROCESSABLE_ENTITY, vec!["path.id id".to_owned()])
        );
    }
    let both = caller.try_get("/api/projects/a%09b/usage?period=x").await;
    assert_eq!(faults(&both.body["detail"]), ["path.id id", "query.period enum"]);
    // A project's own path does not take this parameter.
    caller.get("/api/projects/x/usage?project_id=a%09b").await;
    let totals = caller.try_get("/api/usage/totals?start_date=x&period=weekly").await;
    assert_eq!(faults(&totals.body["detail"]), ["query.start_date datetime_parsing"]);
}

#[tokio::test]
async fn the_number_of_buckets_is_limited() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.put("/api/projects/x", &json!({})).await;
    // In Chatham, days begin at 10:15 or 11:15 UTC.
    let zoned = world.caller("zoned");
    zoned.put("/api/organization", &json!({ "timezone": "Pacific/Chatham" })).await;
    zoned.put("/api/projects/x", &json!({})).await;
    for (who, period, start, good, bad) in [
        (&caller, "hourly", "2026-08-01T00:59:59Z", "2026-09-01T00:00:00Z", "2026-09-01T00:00:00.001Z"),
        (&caller, "daily", "2024-01-01T23:59:59Z", "2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z"),
        (&caller, "monthly", "2021-01-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        (&zoned, "daily", "2024-01-01T10:14:59Z", "2024-12-31T10:15:00Z", "2024-12-31T10:15:01Z"),
        (&zoned, "monthly", "2021-01-01T00:00:00Z", "2025-12-31T10:15:00Z", "2025-12-31T10:15:01Z"),
    ] {
        for path in ["/api/usage", "/api/projects/x/usage"] {
            let query = |end: &str| format!("{path}?period={period}&start_date={start}&end_date={end}");
            who.get(&query(good)).await;
            let response = who.try_get(&query(bad)).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {period} {bad}");
            assert_eq!(faults(&response.body["detail"]), ["query.start_date too_many_buckets"]);
        }
        // The last year that the API accepts.
        let response =
            who.try_get(&format!("/api/usage?period={period}&start_date=1970-01-01T00:00:00Z")).await;
        assert_eq!(faults(&response.body["detail"]), ["query.start_date too_many_buckets"]);
    }
    let totals = |end: &str| format!("/api/usage/totals?start_date=2024-01-01T00:00:00Z&end_date={end}");
    caller.get(&totals("2025-01-01T00:00:00Z")).await;
    let response = caller.try_get(&totals("2025-01-01T00:00:00.001Z")).await;
    assert_eq!(faults(&response.body["detail"]), ["query.start_date too_many_buckets"]);
}

#[tokio::test]
async fn a_range_is_half_open_and_widened_to_whole_buckets() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let hour = |id: &str, from: &str, to: &str| sample(id, "x", id, from, to);
    caller
        .record(&[
            hour("a", "2026-09-01T09:00:00Z", "2026-09-01T10:00:00Z"),
            hour("b", "2026-09-01T10:00:00Z", "2026-09-01T11:00:00Z"),
            hour("c", "2026-09-01T11:00:00Z", "2026-09-01T12:00:00Z"),
            hour("d", "2026-08-31T23:00:00Z", "2026-09-01T00:00:00Z"),
        ])
        .await;
    for (query, start, instances) in [
        ("start_date=2026-09-01T10:00:00Z&end_date=2026-09-01T11:00:00Z", "2026-09-01T10:00:00Z", 1),
        ("start_date=2026-09-01T10:59:59Z&end_date=2026-09-01T11:00:00.001Z", "2026-09-01T10:00:00Z", 2),
        ("start_date=2026-09-01T12:00:00%2B02:00&end_date=2026-09-01T11:00:00Z", "2026-09-01T10:00:00Z", 1),
        // A range that ends where it begins is empty.
        ("start_date=2026-09-01T10:30:00Z&end_date=2026-09-01T10:30:00Z", "2026-09-01T10:00:00Z", 0),
        (
            "period=daily&start_date=2026-09-01T23:00:00Z&end_date=2026-09-02T00:00:00Z",
            "2026-09-01T00:00:00Z",
            3,
        ),
        (
            "period=monthly&start_date=2026-09-30T00:00:00Z&end_date=2026-09-30T00:00:01Z",
            "2026-09-01T00:00:00Z",
            3,
        ),
        (
            "period=monthly&start_date=2026-09-30T00:00:00Z&end_date=2026-09-30T00:00:00Z",
            "2026-09-01T00:00:00Z",
            0,
        ),
        ("period=monthly&end_date=2026-09-01T00:00:00Z", "2025-09-01T00:00:00Z", 1),
        ("period=daily&start_date=2026-08-31T00:00:00Z", "2026-08-31T00:00:00Z", 4),
        ("period=daily&start_date=2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z", 0),
    ] {
        for path in ["/api/usage", "/api/projects/x/usage"] {
            let totals = caller.get(&format!("{path}?{query}")).await["totals"].take();
            assert_eq!(
                (&totals["periodStart"], &totals["instanceCount"]),
                (&json!(start), &json!(instances)),
                "{query}"
            );
        }
    }
    let totals = async |query: &str| {
        let rows = caller.get(&format!("/api/usage/totals{query}")).await["totals"].take();
        rows.as_array().unwrap().first().map_or(json!(0), |row| row["instanceCount"].clone())
    };
    assert_eq!(totals("").await, 3);
    assert_eq!(totals("?start_date=2026-08-31T23:30:00Z").await, 4);
    assert_eq!(totals("?end_date=2026-09-01T00:00:00Z").await, 1);
    assert_eq!(totals("?start_date=2026-09-01T00:00:00Z&end_date=2026-09-01T00:00:00Z").await, 0);
}
