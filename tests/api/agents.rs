//! `/api/agents`: agents that were registered, agents that events named, and both.

use http::StatusCode;
use ledger::ids::{AgentId, OrgId};
use serde_json::json;
use store::keys;

use crate::support::faults;
use crate::support::registry::{Registry, as_set, call};

#[tokio::test]
async fn a_response_equals_what_was_put() {
    let registry = Registry::new().await;
    let nova = json!({
        "name": "Nova", "hostname": "eu-1", "status": "paused", "category": "Research", "department": "Strategy",
        "role_title": "Research Analyst", "model_provider": "anthropic", "model_name": "claude-haiku-3.5",
        "human_equivalent_salary": 75_000, "estimated_hours_saved": 80.5, "cost_budget_monthly": 100.25,
    });
    let response = registry.put("/api/agents/nova", &nova).await;
    assert_eq!(as_set(&response), nova);
    assert_eq!(registry.get("/api/agents/nova").await, response);
    // A response can be sent back as it is.
    assert_eq!(registry.put("/api/agents/nova", &response).await, response);

    // An omitted field takes its default.
    let bare = registry.put("/api/agents/nova", &json!({})).await;
    assert_eq!(bare["name"], json!(null));
    assert_eq!((&bare["status"], &bare["human_equivalent_salary"]), (&json!("online"), &json!(null)));
    assert_ne!(bare["etag"], response["etag"]);

    registry.put("/api/agents/atlas", &json!({ "name": "Atlas" })).await;
    let all = registry.get("/api/agents").await;
    let ids: Vec<_> = all["items"].as_array().unwrap().iter().map(|agent| agent["id"].clone()).collect();
    assert_eq!(ids, ["atlas", "nova"]);
    assert_eq!(all["items"][1], registry.get("/api/agents/nova").await);
}

#[tokio::test]
async fn every_fault_of_path_and_body_is_listed() {
    let registry = Registry::new().await;
    let response =
        registry.try_put("/api/agents/a%09b", &json!({ "name": 1, "x": 2, "status": "gone" })).await;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = ["path.id id", "body.name string_type", "body.status enum", "body.x extra_forbidden"];
    assert_eq!(faults(&response.body["detail"]), expected);
    assert_eq!(registry.try_get("/api/agents/a%09b").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(registry.try_get("/api/agents/%ff").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let long = "a".repeat(257);
    assert_eq!(
        registry.try_get(&format!("/api/agents/{long}")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(registry.try_get(&format!("/api/agents/{}", &long[1..])).await.status, StatusCode::NOT_FOUND);
    assert!(registry.entries("acme").await.is_empty());
}

#[tokio::test]
async fn every_id_allowed_in_events_is_allowed_in_paths() {
    let registry = Registry::new().await;
    for (path, id) in [
        ("team%2Fnova", "team/nova"),
        ("team%252Fmars", "team%2Fmars"),
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
async fn an_agent_named_by_an_event_exists_and_keeps_its_history() {
    let registry = Registry::new().await;
    registry.world.caller("acme").record(&[call("1", "nova"), call("2", "atlas")]).await;
    let key = keys::agent(&OrgId::new("acme").unwrap(), &AgentId::new("nova").unwrap());
    let seen = registry.stored(&key).await.unwrap();
    assert!(seen.contains_key("seen_first") && seen.contains_key("calls"), "{seen:?}");

    let nova = registry.get("/api/agents/nova").await;
    assert_eq!((&nova["registered"], &nova["status"]), (&json!(false), &json!("online")));
    assert_eq!((&nova["first_seen"], &nova["last_seen"]), (&json!("2026-09-15"), &json!("2026-09-15")));
    assert_eq!(registry.get("/api/agents").await["items"].as_array().unwrap().len(), 2);

    let set = registry.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    assert_eq!((&set["registered"], &set["first_seen"]), (&json!(true), &json!("2026-09-15")));
    registry.delete("/api/agents/nova").await;
    let archived = registry.get("/api/agents/nova").await;
    assert_eq!((&archived["status"], &archived["name"]), (&json!("archived"), &json!("Nova")));
    // An agent that was never registered can be archived, too.
    registry.delete("/api/agents/atlas").await;
    assert_eq!(registry.get("/api/agents/atlas").await["status"], "archived");
    // Archiving is idempotent.
    registry.delete("/api/agents/atlas").await;
    assert_eq!(registry.changes().await.len(), 3);

    let now = registry.stored(&key).await.unwrap();
    for (name, value) in &seen {
        assert_eq!(now.get(name), Some(value), "{name}");
    }
    // The aggregator and the registry do not touch each other's attributes.
    registry.world.stack.drain().await;
    assert_eq!(registry.get("/api/agents/nova").await, archived);
    assert_eq!(registry.try_delete("/api/agents/nobody").await.status, StatusCode::NOT_FOUND);
}
