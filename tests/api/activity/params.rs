//! Parameters at their limits, and invalid cursors.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use super::{entry, ids, path};
use crate::support::{World, faults, noon};

#[tokio::test]
async fn every_fault_of_the_parameters_is_listed() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for good in [
        "limit=1",
        "limit=500",
        "offset=0",
        "offset=10000",
        "from=2026-09-15T12:00:00Z&to=2026-09-15T12:00:00Z",
        "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
        "from=2030-01-01T00:00:00Z",
        "to=0001-01-01T00:00:00%2B05:45",
        "unknown=1",
    ] {
        caller.get(&format!("/api/activity?{good}")).await;
    }
    for (bad, expected) in [
        ("limit=0", "limit greater_than_equal"),
        ("limit=501", "limit less_than_equal"),
        ("limit=x", "limit int_parsing"),
        ("offset=-1", "offset greater_than_equal"),
        ("offset=10001", "offset less_than_equal"),
        ("offset=99999999999999999999", "offset less_than_equal"),
        ("from=2026-09-15", "from datetime_parsing"),
        ("to=yesterday", "to datetime_parsing"),
        ("from=2026-09-15T12:00:00.001Z&to=2026-09-15T12:00:00Z", "to range"),
        ("agentId=a%23b", "agentId id"),
        ("agentId=", "agentId id"),
        ("eventType=a%09b", "eventType id"),
        ("eventType=a&eventType=a", "eventType repeated"),
        ("cursor=", "cursor cursor"),
        ("cursor=x", "cursor cursor"),
        ("cursor=x&offset=1", "offset exclusive"),
    ] {
        let response = caller.try_get(&format!("/api/activity?{bad}")).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_eq!(faults(&response.body["detail"]), [format!("query.{expected}")], "{bad}");
    }
    let response = caller.try_get("/api/activity?limit=0&offset=10001&from=x").await;
    assert_eq!(response.body["detail"].as_array().unwrap().len(), 3);
    let detail = response.body["detail"].to_string();
    assert!(detail.contains("equal to 10000; further pages are reached by 'cursor'"), "{detail}");
}

#[tokio::test]
async fn a_cursor_is_valid_for_its_organization_and_filters_only() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let at = |i| noon() - TimeDelta::minutes(i);
    let entries: Vec<_> = (0..4).map(|i| entry(&i.to_string(), "nova", "x", at(i))).collect();
    caller.record(&entries).await;
    world.caller("other").record(&entries).await;
    let filters: [&[(&str, &str)]; 5] = [
        &[],
        &[("agentId", "nova")],
        &[("eventType", "x")],
        &[("from", "2026-09-01T00:00:00Z")],
        &[("agentId", "nova"), ("eventType", "x"), ("to", "2026-09-15T12:00:00Z")],
    ];
    for filter in filters {
        let page = caller.get(&path(&[filter, &[("limit", "1")]].concat())).await;
        let cursor = page["pagination"]["nextCursor"].as_str().unwrap().to_owned();
        for other in filters {
            let next = path(&[other, &[("cursor", cursor.as_str()), ("limit", "2")]].concat());
            let response = caller.try_get(&next).await;
            if other == filter {
                assert_eq!(ids(&response.body), ["1", "2"]);
                let pagination = &response.body["pagination"];
                assert_eq!(
                    (&pagination["total"], &pagination["offset"], &pagination["hasMore"]),
                    (&json!(4), &json!(1), &json!(true))
                );
            } else {
                assert_eq!(faults(&response.body["detail"]), ["query.cursor cursor"]);
            }
            let foreign = world.caller("other").try_get(&next).await;
            assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY);
            let changed = caller.try_get(&next.replace("cursor=", "cursor=A")).await;
            assert_eq!(changed.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
}
