//! `/v1/billing/subscription`.

use serde_json::json;

use crate::support::registry::{Registry, as_set};

#[tokio::test]
async fn a_deleted_subscription_returns_to_the_defaults() {
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
