//! Settings of one organization are invisible to another.

use http::{Method, StatusCode};
use serde_json::json;

use crate::support::registry::Registry;

#[tokio::test]
async fn another_organization_sees_no_settings() {
    let registry = Registry::new().await;
    let things = [
        ("/api/organization", json!({ "name": "sesame" })),
        ("/api/agents/nova", json!({ "name": "sesame" })),
        ("/api/projects/site", json!({ "name": "sesame" })),
        ("/api/budget", json!({ "monthly": 4242 })),
        ("/v1/billing/subscription", json!({ "plan_name": "sesame" })),
        ("/api/alerts/destinations/ops", json!({ "url": "https://sesame.example" })),
        ("/api/alerts/rules/ops", json!({ "type": "unpriced", "name": "sesame" })),
        (
            "/api/cost-analysis/pricing/p/m",
            json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": 4242, "outputPricePerMillion": 1 }),
        ),
    ];
    for (path, body) in &things {
        registry.put(path, body).await;
    }
    for path in [
        "/api/organization",
        "/api/agents",
        "/api/agents/nova",
        "/api/projects",
        "/api/projects/site",
        "/api/budget",
        "/v1/billing/subscription",
        "/api/alerts/destinations",
        "/api/alerts/rules",
        "/api/alerts/rules/ops",
    ] {
        let response = registry.send("other", Method::GET, path, &[], "").await;
        let text = response.body.to_string();
        assert!(
            !text.contains("sesame") && !text.contains("4242") && !text.contains("acme"),
            "{path}: {text}"
        );
    }
    // A resource of another organization and a missing one get the same response.
    for (there, nowhere) in [
        ("/api/agents/nova", "/api/agents/x"),
        ("/api/projects/site", "/api/projects/x"),
        ("/api/alerts/destinations/ops", "/api/alerts/destinations/x"),
        ("/api/alerts/rules/ops", "/api/alerts/rules/x"),
        (
            "/api/cost-analysis/pricing/p/m?effectiveFrom=2026-09-01",
            "/api/cost-analysis/pricing/p/x?effectiveFrom=2026-09-01",
        ),
    ] {
        let theirs = registry.send("other", Method::DELETE, there, &[], "").await;
        let none = registry.send("other", Method::DELETE, nowhere, &[], "").await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND);
        assert_eq!(theirs.body, none.body);
    }
    assert!(registry.entries("other").await.is_empty());
    assert_eq!(registry.entries("acme").await.len(), things.len());
}
