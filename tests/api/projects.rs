//! `/api/projects`.

use http::StatusCode;
use ledger::ids::{OrgId, ProjectId};
use serde_json::json;
use store::keys;

use crate::support::registry::Registry;

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
    let sample = json!({
        "specversion": "1.0", "id": "s", "source": "test", "type": "compute.usage",
        "time": "2026-09-15T12:00:00Z",
        "data": { "project_id": "shop", "instance_id": "i", "from": "2026-09-15T11:00:00Z",
            "to": "2026-09-15T12:00:00Z", "cpu_cores": 1, "ram_gb": 1, "disk_gb": 1,
            "bandwidth_in_bytes": 1, "bandwidth_out_bytes": 1 },
    });
    registry.world.caller("acme").record(&[sample]).await;
    registry.delete(site).await;
    registry.delete(shop).await;
    assert_eq!(registry.try_get(site).await.status, StatusCode::NOT_FOUND);
    let id = ProjectId::new("site/a").unwrap();
    assert_eq!(registry.stored(&keys::project(&OrgId::new("acme").unwrap(), &id)).await, None);
    let shop = registry.get(shop).await;
    assert_eq!((&shop["registered"], &shop["name"]), (&json!(false), &json!(null)));
    assert_eq!(shop["first_seen"], "2026-09-15");
    assert_eq!(registry.get("/api/projects").await, json!({ "items": [shop] }));
}
