//! `/api/projects`.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::registry::Registry;

fn sample(project: &str) -> Value {
    json!({
        "specversion": "1.0", "id": project, "source": "test", "type": "compute.usage",
        "time": "2026-09-15T12:00:00Z",
        "data": { "project_id": project, "instance_id": "i", "from": "2026-09-15T11:00:00Z",
            "to": "2026-09-15T12:00:00Z", "cpu_cores": 1, "ram_gb": 1, "disk_gb": 1,
            "bandwidth_in_bytes": 1, "bandwidth_out_bytes": 1 },
    })
}

#[tokio::test]
async fn a_deleted_project_is_gone_unless_events_named_it() {
    let registry = Registry::new().await;
    let (site, shop) = ("/api/projects/site%2Fa", "/api/projects/shop");
    for path in [site, shop] {
        assert_eq!(registry.try_get(path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(registry.try_delete(path).await.status, StatusCode::NOT_FOUND);
        let set = registry.put(path, &json!({ "name": "A" })).await;
        assert_eq!(registry.get(path).await, set);
    }
    registry.world.caller("acme").record(&[sample("shop")]).await;
    registry.delete(site).await;
    registry.delete(shop).await;
    assert_eq!(registry.try_get(site).await.status, StatusCode::NOT_FOUND);
    let shop = registry.get(shop).await;
    assert_eq!((&shop["registered"], &shop["name"]), (&json!(false), &json!(null)));
    assert_eq!(shop["first_seen"], "2026-09-15");
    assert_eq!(registry.get("/api/projects").await, json!({ "items": [shop] }));
}

#[tokio::test]
async fn reports_show_the_name_that_a_deleted_project_had() {
    let registry = Registry::new().await;
    let caller = registry.world.caller("acme");
    // The samples of the second are aggregated after it was deleted.
    for project in ["before", "after"] {
        registry.put(&format!("/api/projects/{project}"), &json!({ "name": "Shop" })).await;
        if project == "before" {
            caller.record(&[sample(project)]).await;
        }
        registry.delete(&format!("/api/projects/{project}")).await;
        if project == "after" {
            caller.record(&[sample(project)]).await;
        }
        let usage = caller.get(&format!("/api/projects/{project}/usage")).await;
        assert_eq!(usage["items"][0]["projectName"], "Shop", "{project}");
    }
    registry.put("/api/projects/after", &json!({ "name": "Kiosk" })).await;
    let totals = caller.get("/api/usage/totals").await;
    let names: Vec<_> = totals["totals"].as_array().unwrap().iter().map(|row| &row["projectName"]).collect();
    assert_eq!(names, ["Kiosk", "Shop"]);
}
