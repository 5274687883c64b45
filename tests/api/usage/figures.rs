//! Figures computed by hand.

use http::StatusCode;
use serde_json::{Value, json};

use super::sample;
use crate::support::World;

fn zero(period: &str, start: &str, id: &str, name: &str) -> Value {
    json!({
        "bandwidthInBytes": 0, "bandwidthOutBytes": 0, "cpuCoreHours": 0, "diskGbHours": 0, "instanceCount": 0,
        "instanceHours": 0, "periodStart": start, "periodType": period, "projectId": id, "projectName": name,
        "ramGbHours": 0,
    })
}

#[tokio::test]
async fn an_empty_organization_has_no_rows_and_zeros() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (query, period, start) in [
        ("", "hourly", "2026-09-14T13:00:00Z"),
        ("?period=hourly", "hourly", "2026-09-14T13:00:00Z"),
        ("?period=daily", "daily", "2026-08-17T00:00:00Z"),
        ("?period=monthly", "monthly", "2025-10-01T00:00:00Z"),
    ] {
        let empty =
            |id: &str| json!({ "items": [], "period": period, "totals": zero(period, start, id, id) });
        assert_eq!(caller.get(&format!("/api/usage{query}")).await, empty(""));
        // An unknown project is empty here, but not found under its own path.
        let join = if query.is_empty() { "?" } else { "&" };
        assert_eq!(caller.get(&format!("/api/usage{query}{join}project_id=site")).await, empty("site"));
        let response = caller.try_get(&format!("/api/projects/site/usage{query}")).await;
        assert_eq!(
            (response.status, response.body),
            (StatusCode::NOT_FOUND, json!({ "detail": "Project not found" }))
        );
    }
    assert_eq!(caller.get("/api/usage/totals").await, json!({ "totals": [] }));
    caller.put("/api/projects/site", &json!({ "name": "Web Site" })).await;
    assert_eq!(
        caller.get("/api/projects/site/usage?period=daily").await,
        json!({
            "items": [], "period": "daily",
            "totals": zero("daily", "2026-08-17T00:00:00Z", "site", "Web Site"),
        })
    );
}

#[tokio::test]
async fn a_sample_is_split_at_the_hour() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.put("/api/projects/site", &json!({ "name": "Web Site" })).await;
    // A quarter before ten o'clock, half within the hour, a quarter after.
    caller.record(&[sample("1", "site", "i-1", "2026-09-15T09:30:00Z", "2026-09-15T11:30:00Z")]).await;
    let row = |start: &str, hours: &[&str; 4], bytes: [u64; 2]| {
        let [cpu, ram, disk, instance] = hours.map(|text| serde_json::from_str::<Value>(text).unwrap());
        json!({
            "bandwidthInBytes": bytes[0], "bandwidthOutBytes": bytes[1], "cpuCoreHours": cpu, "diskGbHours": disk,
            "instanceCount": 1, "instanceHours": instance, "periodStart": start, "periodType": "hourly",
            "projectId": "site", "projectName": "Web Site", "ramGbHours": ram,
        })
    };
    let (half, whole) = (["0.5", "1", "5", "0.5"], ["1", "2", "10", "1"]);
    let items = json!([
        row("2026-09-15T09:00:00Z", &half, [250, 1]),
        row("2026-09-15T10:00:00Z", &whole, [500, 4]),
        row("2026-09-15T11:00:00Z", &half, [250, 2]),
    ]);
    let mut totals = row("2026-09-14T13:00:00Z", &["2", "4", "20", "2"], [1_000, 7]);
    let one = json!({ "items": items, "period": "hourly", "totals": totals });
    assert_eq!(caller.get("/api/projects/site/usage").await, one);
    assert_eq!(caller.get("/api/usage?project_id=site").await, one);
    // The total over all projects has no name.
    (totals["projectId"], totals["projectName"]) = (json!(""), json!(""));
    assert_eq!(
        caller.get("/api/usage").await,
        json!({ "items": items, "period": "hourly", "totals": totals })
    );
    let mut total = row("2026-09-01T00:00:00Z", &["2", "4", "20", "2"], [1_000, 7]);
    total["periodType"] = json!("total");
    assert_eq!(caller.get("/api/usage/totals").await, json!({ "totals": [total] }));
}

#[tokio::test]
async fn rows_are_sorted_and_instances_counted_once() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let day = |id: &str, project: &str, instance: &str, day: &str| {
        sample(
            id,
            project,
            instance,
            &format!("2026-09-{day}T01:00:00Z"),
            &format!("2026-09-{day}T02:00:00Z"),
        )
    };
    caller
        .record(&[
            day("1", "b", "i-1", "02"),
            day("2", "b", "i-1", "01"),
            day("3", "a", "i-1", "02"),
            day("4", "b", "i-2", "02"),
            day("5", "B", "i-3", "02"),
        ])
        .await;
    world.caller("other").record(&[day("1", "b", "i-9", "02")]).await;
    let rows = |list: &Value| -> Vec<String> {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let row = |row: &Value| {
            format!(
                "{} {} {}",
                &text(row, "periodStart")[5..10],
                text(row, "projectName"),
                row["instanceCount"]
            )
        };
        list.as_array().unwrap().iter().map(row).collect()
    };
    let daily = caller.get("/api/usage?period=daily").await;
    assert_eq!(rows(&daily["items"]), ["09-01 b 1", "09-02 B 1", "09-02 a 1", "09-02 b 2"]);
    assert_eq!(
        (&daily["totals"]["instanceCount"], &daily["totals"]["instanceHours"]),
        (&json!(3), &json!(5))
    );
    let monthly = caller.get("/api/usage?period=monthly").await;
    assert_eq!(rows(&monthly["items"]), ["09-01 B 1", "09-01 a 1", "09-01 b 2"]);
    assert_eq!(monthly["totals"]["instanceCount"], 3);
    assert_eq!(
        rows(&caller.get("/api/usage/totals").await["totals"]),
        ["09-01 B 1", "09-01 a 1", "09-01 b 2"]
    );
    let one = caller.get("/api/projects/b/usage?period=daily").await;
    assert_eq!(rows(&one["items"]), ["09-01 b 1", "09-02 b 2"]);
    assert_eq!((&one["totals"]["instanceCount"], &one["totals"]["projectId"]), (&json!(2), &json!("b")));
}

#[tokio::test]
async fn a_project_id_with_slashes_can_be_escaped_in_two_ways() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[sample("1", "site/a", "i", "2026-09-15T10:00:00Z", "2026-09-15T11:00:00Z")]).await;
    let report = caller.get("/api/usage?project_id=site%2Fa").await;
    assert_eq!(report["totals"]["cpuCoreHours"], 1);
    assert_eq!(caller.get("/api/projects/site%2Fa/usage").await, report);
    assert_eq!(caller.try_get("/api/projects/site/usage").await.status, StatusCode::NOT_FOUND);
}
