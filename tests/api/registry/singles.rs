//! Budget and subscription: there is one of each, even where none is set.

use http::StatusCode;
use serde_json::json;

use super::{Registry, as_set};
use crate::support::faults;

#[tokio::test]
async fn a_budget_has_defaults_and_returns_to_them() {
    let registry = Registry::new().await;
    let path = "/api/budget";
    let unset = json!({ "monthly": null, "thresholds": [50, 80, 100], "forecast": true });
    let before = registry.get(path).await;
    assert_eq!(as_set(&before), unset);
    let given = json!({ "monthly": "500.10", "thresholds": [120, 90], "forecast": false });
    let set = registry.put(path, &given).await;
    assert_eq!(as_set(&set), json!({ "monthly": 500.1, "thresholds": [90, 120], "forecast": false }));
    assert_eq!(registry.get(path).await, set);
    assert_eq!(registry.put(path, &set).await, set);
    registry.delete(path).await;
    registry.delete(path).await;
    assert_eq!(registry.get(path).await, before);
    assert_eq!(registry.changes().await.len(), 2);
}

#[tokio::test]
async fn a_subscription_has_defaults_and_returns_to_them() {
    let registry = Registry::new().await;
    let path = "/v1/billing/subscription";
    let before = registry.get(path).await;
    assert_eq!((&before["plan_name"], &before["status"]), (&json!("No Plan"), &json!("none")));
    assert_eq!((&before["api_call_limit"], &before["max_sites_per_node"]), (&json!(10_000), &json!(25)));
    let given = json!({
        "plan_name": "Pro", "product_name": "Fleet", "status": "trialing", "tier_id": "t-1", "tier_slug": "pro",
        "billing_cycle": "annual", "price_cents": 9_900, "token_allowance": 5_000_000_000_u64, "api_call_limit": 1,
        "conversation_limit": 2, "instance_limit": 3, "max_sites_per_node": 4,
        "current_period_start": "2026-01-31T00:00:00Z", "current_period_end": "2027-01-31T00:00:00Z",
        "trial_ends_at": "2026-10-01T09:30:00.250Z", "subscribed_tier_ids": ["t-1", "t-2"],
    });
    let set = registry.put(path, &given).await;
    assert_eq!(as_set(&set), given);
    assert_eq!(registry.get(path).await, set);
    registry.delete(path).await;
    assert_eq!(registry.get(path).await, before);
}

#[tokio::test]
async fn a_body_that_cannot_be_taken_says_why() {
    let registry = Registry::new().await;
    let send = async |body: String, kind: &str| {
        registry.send("acme", http::Method::PUT, "/api/budget", &[("content-type", kind)], body).await
    };
    let answer = send("{".to_owned(), "application/json").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faults(&answer.body["detail"]), ["body body_unreadable"]);
    assert_eq!(send("{}".to_owned(), "text/plain").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let padded = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
    assert_eq!(send(padded(64 << 10), "application/json").await.status, StatusCode::OK);
    assert_eq!(send(padded((64 << 10) + 1), "application/json").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    // A body that no extractor of axum's would take either.
    assert_eq!(send(padded(3 << 20), "application/json").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = send(r#"{"monthly":-1,"thresholds":[1,1],"extra":{}}"#.to_owned(), "application/json").await;
    let expected =
        ["body.monthly greater_than_equal", "body.thresholds duplicate", "body.extra extra_forbidden"];
    assert_eq!(faults(&answer.body["detail"]), expected);
}
