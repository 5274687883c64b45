//! Conditional and concurrent writes.

use std::collections::BTreeSet;

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Response;
use crate::support::registry::{Registry, as_set, text};

async fn put_if(registry: &Registry, path: &str, tag: &str, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("if-match", tag)];
    registry.send("acme", Method::PUT, path, &headers, body.to_string()).await
}

#[tokio::test]
async fn a_conditional_write_succeeds_only_for_the_current_version() {
    let registry = Registry::new().await;
    for (path, one, two) in [
        ("/api/organization", json!({ "name": "1" }), json!({ "name": "2" })),
        ("/api/budget", json!({ "monthly": 1 }), json!({ "monthly": 2 })),
        ("/v1/billing/subscription", json!({ "plan_name": "1" }), json!({ "plan_name": "2" })),
        ("/api/agents/nova", json!({ "name": "1" }), json!({ "name": "2" })),
        ("/api/projects/site", json!({ "name": "1" }), json!({ "name": "2" })),
    ] {
        let single = !path.ends_with("nova") && !path.ends_with("site");
        let unset = registry.try_get(path).await;
        assert_eq!(unset.status == StatusCode::OK, single);
        // `*` requires that the resource exists.
        let any = put_if(&registry, path, "*", &one).await;
        assert_eq!(any.status == StatusCode::OK, single, "{path}");
        let first = registry.put(path, &one).await;
        let tag = format!("\"{}\"", text(&first["etag"]));
        if single {
            let stale = unset.headers["etag"].to_str().unwrap();
            assert_eq!(put_if(&registry, path, stale, &two).await.status, StatusCode::PRECONDITION_FAILED);
        }
        let second = put_if(&registry, path, &tag, &two).await;
        assert_eq!(second.status, StatusCode::OK, "{path}");
        for stale in [tag.as_str(), "\"\"", "W/\"x\"", "", "\"nonsense\""] {
            let response = put_if(&registry, path, stale, &one).await;
            assert_eq!(response.status, StatusCode::PRECONDITION_FAILED, "{path} {stale:?}");
        }
        assert_eq!(registry.get(path).await, second.body);
        let tags = format!("{tag}, {}", second.headers["etag"].to_str().unwrap());
        assert_eq!(put_if(&registry, path, &tags, &one).await.status, StatusCode::OK);
        if path != "/api/organization" {
            let gone = |tag: String| {
                let registry = &registry;
                async move { registry.send("acme", Method::DELETE, path, &[("if-match", &tag)], "").await.status }
            };
            assert_eq!(gone(tag).await, StatusCode::PRECONDITION_FAILED);
            assert_eq!(
                gone(text(&registry.get(path).await["etag"]).to_owned()).await,
                StatusCode::NO_CONTENT
            );
        }
    }
    // A missing resource is a 404 whatever the condition.
    let headers = [("if-match", "\"x\"")];
    let response = registry.send("acme", Method::DELETE, "/api/agents/nobody", &headers, "").await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_response_that_is_sent_back_never_overwrites_a_version_that_it_did_not_see() {
    let registry = Registry::new().await;
    for (path, field) in [
        ("/api/organization", "name"),
        ("/api/budget", "monthly"),
        ("/v1/billing/subscription", "plan_name"),
        ("/api/agents/nova", "name"),
        ("/api/projects/site", "name"),
        ("/api/alerts/destinations/ops", "url"),
        ("/api/alerts/rules/surprise", "name"),
    ] {
        let value = |n: u32| match field {
            "monthly" => json!(n),
            "url" => json!(format!("https://example.com/{n}")),
            _ => json!(n.to_string()),
        };
        let mut wanted = json!({ field: value(1) });
        if path.starts_with("/api/alerts/rules/") {
            wanted["type"] = json!("unpriced");
        }
        let mut first = registry.put(path, &wanted).await;
        first[field] = value(2);
        let second = registry.put(path, &first).await;
        assert_eq!(second[field], registry.put(path, &second).await[field]);
        let stale = registry.try_put(path, &first).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{path}");
        // A header says what the client wants now.
        let current = put_if(&registry, path, "*", &first).await;
        assert_eq!(current.status, StatusCode::OK, "{path}: {:?}", current.body);
        let mut other = current.body;
        other["id"] = json!("other");
        let mismatch = registry.try_put(path, &other).await;
        assert_eq!(mismatch.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(mismatch.body["detail"][0]["loc"], json!(["body", "id"]));
    }
}

#[tokio::test]
async fn of_many_concurrent_conditional_writes_one_succeeds() {
    let registry = Registry::new().await;
    for (round, path) in ["/api/budget", "/api/agents/nova"].into_iter().enumerate() {
        let before = registry.put(path, &json!({})).await;
        let tag = text(&before["etag"]).to_owned();
        let field = ["monthly", "cost_budget_monthly"][round];
        let bodies: Vec<_> = (1..=12).map(|n| json!({ field: n })).collect();
        let responses = join_all(bodies.iter().map(|body| put_if(&registry, path, &tag, body))).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            responses.iter().partition(|response| response.status == StatusCode::OK);
        assert_eq!(won.len(), 1, "{responses:?}");
        assert!(lost.iter().all(|response| response.status == StatusCode::PRECONDITION_FAILED), "{lost:?}");
        assert_eq!(registry.get(path).await, won[0].body);
        assert_eq!(registry.changes().await.len(), 2 * (round + 1));
    }
}

#[tokio::test]
async fn concurrent_writes_form_a_chain_in_the_audit_log() {
    let registry = Registry::new().await;
    let bodies: Vec<_> = (1..=8).map(|n| json!({ "monthly": n })).collect();
    let responses = join_all(bodies.iter().map(|body| registry.put("/api/budget", body))).await;
    let etags: BTreeSet<_> = responses.iter().map(|response| text(&response["etag"])).collect();
    assert_eq!(etags.len(), 8);
    // Starting from null, each `after` is the `before` of another entry, up to the current settings.
    let mut links: Vec<_> = registry
        .changes()
        .await
        .iter()
        .map(|entry| (entry["before"].clone(), entry["after"].clone()))
        .collect();
    assert_eq!(links.len(), 8);
    let mut at = Value::Null;
    while let Some(next) = links.iter().position(|(before, _)| *before == at) {
        at = links.swap_remove(next).1;
    }
    assert!(links.is_empty(), "{links:?}");
    let monthly: f64 = text(&at["monthly"]).parse().unwrap();
    assert_eq!(as_set(&registry.get("/api/budget").await)["monthly"].as_f64(), Some(monthly));
}
