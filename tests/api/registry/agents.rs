//! Agents and projects: set, seen, and both.

use http::StatusCode;
use ledger::ids::{AgentId, OrgId, ProjectId};
use serde_json::json;
use store::keys;

use super::{Registry, as_set, call};
use crate::support::faults;

#[tokio::test]
async fn what_is_put_is_what_is_read() {
    let registry = Registry::new().await;
    let nova = json!({
        "name": "Nova", "hostname": "eu-1", "status": "paused", "category": "Research", "department": "Strategy",
        "role_title": "Research Analyst", "model_provider": "anthropic", "model_name": "claude-haiku-3.5",
        "human_equivalent_salary": 75_000, "estimated_hours_saved": 80.5, "cost_budget_monthly": 100.25,
    });
    let answer = registry.put("/api/agents/nova", &nova).await;
    assert_eq!(as_set(&answer), nova);
    assert_eq!(registry.get("/api/agents/nova").await, answer);
    // What was read can be sent back as it is.
    assert_eq!(registry.put("/api/agents/nova", &answer).await, answer);

    // A field left out takes its default.
    let bare = registry.put("/api/agents/nova", &json!({})).await;
    assert_eq!(bare["name"], json!(null));
    assert_eq!((&bare["status"], &bare["human_equivalent_salary"]), (&json!("online"), &json!(null)));
    assert_ne!(bare["etag"], answer["etag"]);

    registry.put("/api/agents/atlas", &json!({ "name": "Atlas" })).await;
    let all = registry.get("/api/agents").await;
    let ids: Vec<_> = all["items"].as_array().unwrap().iter().map(|agent| agent["id"].clone()).collect();
    assert_eq!(ids, ["atlas", "nova"]);
    assert_eq!(all["items"][1], registry.get("/api/agents/nova").await);
}

#[tokio::test]
async fn every_fault_of_path_and_body_is_listed() {
    let registry = Registry::new().await;
    let answer = registry.try_put("/api/agents/a%20b", &json!({ "name": 1, "x": 2, "status": "gone" })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = ["path.id id", "body.name string_type", "body.status enum", "body.x extra_forbidden"];
    assert_eq!(faults(&answer.body["detail"]), expected);
    assert_eq!(registry.try_get("/api/agents/a%20b").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(registry.try_get("/api/agents/%ff").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let long = "a".repeat(129);
    assert_eq!(
        registry.try_get(&format!("/api/agents/{long}")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(registry.try_get(&format!("/api/agents/{}", &long[1..])).await.status, StatusCode::NOT_FOUND);
    assert!(registry.entries("acme").await.is_empty());
}

#[tokio::test]
async fn an_id_may_hold_whatever_an_event_may_name() {
    let registry = Registry::new().await;
    for (path, id) in [
        ("team%2Fnova", "team/nova"),
        ("team%252Fmars", "team/mars"),
        ("team/atlas", "team/atlas"),
        ("a:b@c.d_e-f", "a:b@c.d_e-f"),
        ("a%3Ab%40c", "a:b@c"),
        ("workforce", "workforce"),
    ] {
        let path = format!("/api/agents/{path}");
        assert_eq!(registry.put(&path, &json!({ "name": id })).await["id"], id);
        assert_eq!(registry.get(&path).await["name"], id);
        registry.delete(&path).await;
        assert_eq!(registry.get(&path).await["status"], "archived");
    }
    assert_eq!(registry.get("/api/agents").await["items"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn an_agent_that_an_event_named_is_there_and_keeps_what_is_known_of_it() {
    let registry = Registry::new().await;
    registry.world.caller("acme").record(&[call("1", "nova"), call("2", "atlas")]).await;
    let key = keys::agent(&OrgId::new("acme").unwrap(), &AgentId::new("nova").unwrap());
    let seen = registry.stored(&key).await.unwrap();
    assert!(seen.contains_key("seen_first") && seen.contains_key("call_days"), "{seen:?}");

    let nova = registry.get("/api/agents/nova").await;
    assert_eq!((&nova["registered"], &nova["status"]), (&json!(false), &json!("online")));
    assert_eq!((&nova["first_seen"], &nova["last_seen"]), (&json!("2026-09-15"), &json!("2026-09-15")));
    assert_eq!(registry.get("/api/agents").await["items"].as_array().unwrap().len(), 2);

    let set = registry.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    assert_eq!((&set["registered"], &set["first_seen"]), (&json!(true), &json!("2026-09-15")));
    registry.delete("/api/agents/nova").await;
    let archived = registry.get("/api/agents/nova").await;
    assert_eq!((&archived["status"], &archived["name"]), (&json!("archived"), &json!("Nova")));
    // Whoever was never registered can be archived as well.
    registry.delete("/api/agents/atlas").await;
    assert_eq!(registry.get("/api/agents/atlas").await["status"], "archived");
    // Twice is once.
    registry.delete("/api/agents/atlas").await;
    assert_eq!(registry.changes().await.len(), 3);

    let now = registry.stored(&key).await.unwrap();
    for (name, value) in &seen {
        assert_eq!(now.get(name), Some(value), "{name}");
    }
    // The aggregator and the registry leave each other's attributes alone.
    registry.world.stack.drain().await;
    assert_eq!(registry.get("/api/agents/nova").await, archived);
    assert_eq!(registry.try_delete("/api/agents/nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_project_goes_when_it_is_deleted_unless_events_named_it() {
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
