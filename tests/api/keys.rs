//! `/api/keys`: keys in place of tokens, for exporters that can only send static headers.

use std::time::Duration;

use http::{Method, StatusCode};
use runtime::clock::Clock;
use serde_json::{Value, json};
use web::auth::Scope;

use crate::support::events::call;
use crate::support::{Caller, Response, World, faults, noon};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn create(caller: &Caller<'_>, body: &Value) -> Response {
    caller.send(Method::POST, "/api/keys", &[JSON], body.to_string()).await
}

async fn new_key(caller: &Caller<'_>, scopes: &[&str]) -> (String, String) {
    let response = create(caller, &json!({ "name": "exporter", "scopes": scopes })).await;
    assert_eq!(response.status, StatusCode::CREATED);
    let text = |name: &str| response.body[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

#[tokio::test]
async fn a_key_sends_events_of_its_organization_and_is_shown_once() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let body =
        json!({ "name": "exporter", "scopes": ["events:write", "metrics:read"], "tags": { "team": "ops" } });
    let response = create(&caller, &body).await;
    assert_eq!(
        (response.status, response.headers["cache-control"].as_bytes()),
        (StatusCode::CREATED, &b"no-store"[..])
    );
    let key = response.body["key"].as_str().unwrap();
    let id = response.body["id"].as_str().unwrap();
    assert!(key.starts_with(&format!("flk_{id}_")) && key.len() > id.len() + 40, "{key}");

    let sent = world.bearer(key).post(&json!([call("1", noon())])).await;
    assert_eq!(sent["accepted"], 1);
    let header = [("x-api-key", key), JSON];
    let event = json!([call("2", noon())]).to_string();
    let sent = world.anonymous().send(Method::POST, "/v1/events", &header, event).await;
    assert_eq!(sent.body["accepted"], 1);
    world.stack.drain().await;
    assert_eq!(world.bearer(key).get("/v1/metrics/summary").await["total_requests"], 2);
    assert_eq!(world.caller("other").get("/v1/metrics/summary").await["total_requests"], 0);

    let listed = caller.get("/api/keys").await;
    let item = &listed["items"][0];
    assert_eq!(
        (&item["id"], &item["name"], &item["tags"]),
        (&json!(id), &json!("exporter"), &json!({ "team": "ops" }))
    );
    let today = Clock::system().now().date_naive();
    assert!(item["lastUsed"] == json!(today) || item["lastUsed"] == json!(today.pred_opt()), "{item}");
    let log = caller.get("/api/activity").await.to_string();
    assert!(log.contains(id) && !log.contains(key), "{log}");
    let secret = key.rsplit('_').next().unwrap();
    for text in [&listed.to_string(), &log] {
        assert!(!text.contains(secret) && !text.contains("hash"), "{text}");
    }
}

#[tokio::test]
async fn a_key_grants_its_scopes_and_no_others() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let (_, key) = new_key(&caller, &["costs:read"]).await;
    let with_key = world.bearer(&key);
    assert_eq!(with_key.try_get("/api/cost-analysis/summary").await.status, StatusCode::OK);
    assert_eq!(with_key.try_get("/v1/metrics/summary").await.status, StatusCode::FORBIDDEN);
    assert_eq!(with_key.try_post(&json!([call("1", noon())])).await.status, StatusCode::FORBIDDEN);
    for path in ["/api/keys", "/api/agents", "/api/organization"] {
        assert_eq!(with_key.try_get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // Every function takes keys.
    let all: Vec<_> = Scope::ALL.into_iter().filter(|scope| scope.is_for_keys()).map(Scope::as_str).collect();
    let (_, key) = new_key(&caller, &all).await;
    for path in [
        "/v1/metrics/summary",
        "/v1/billing",
        "/api/usage?period=daily&start_date=2026-09-14T00:00:00Z&end_date=2026-09-15T00:00:00Z",
        "/api/cost-analysis/summary",
        "/api/agents/workforce/summary",
        "/api/activity",
    ] {
        assert_eq!(world.bearer(&key).try_get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_expired_or_revoked_key_is_refused() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let (id, key) = new_key(&caller, &["metrics:read"]).await;
    let status = async |key: &str| world.bearer(key).try_get("/v1/metrics/summary").await.status;
    assert_eq!(status(&key).await, StatusCode::OK);
    let (rest, _) = key.rsplit_once('_').unwrap();
    for wrong in [
        format!("{rest}_"),
        format!("{key}0"),
        format!("{rest}_{}", "0".repeat(48)),
        key.replace("acme", "evil"),
    ] {
        assert_eq!(status(&wrong).await, StatusCode::UNAUTHORIZED, "{wrong}");
    }

    let body = json!({ "name": "old", "scopes": ["metrics:read"], "expiresAt": "2026-01-01T00:00:00Z" });
    let expired = create(&caller, &body).await.body["key"].as_str().unwrap().to_owned();
    assert_eq!(status(&expired).await, StatusCode::UNAUTHORIZED);

    let path = format!("/api/keys/{id}");
    assert_eq!(caller.send(Method::DELETE, &path, &[], String::new()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(caller.send(Method::DELETE, &path, &[], String::new()).await.status, StatusCode::NOT_FOUND);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(26)).await;
    tokio::time::resume();
    assert_eq!(status(&key).await, StatusCode::UNAUTHORIZED);
    // The use of a key that is gone does not bring it back.
    assert_eq!(caller.get("/api/keys").await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_key_needs_a_name_and_scopes_that_keys_may_have() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (body, fault) in [
        (json!({}), "body.name missing, body.scopes missing"),
        (json!({ "name": "n", "scopes": [] }), "body.scopes scopes"),
        (json!({ "name": "n", "scopes": ["registry:write"] }), "body.scopes scopes"),
        (json!({ "name": "n", "scopes": ["events:write"], "tags": { "A": "x" } }), "body.tags tag_name"),
        (json!({ "name": "n", "scopes": ["events:write"], "tags": { "a": "\n" } }), "body.tags label"),
        (
            json!({ "name": "n", "scopes": ["events:write"], "expiresAt": "soon" }),
            "body.expiresAt datetime_parsing",
        ),
    ] {
        let response = create(&caller, &body).await;
        assert_eq!(faults(&response.body["detail"]).join(", "), fault, "{body}");
    }
}
