//! Round trips per request.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt;
use web::auth::Scope;

use super::{PATH, at, call};
use crate::support::{World, noon};

#[tokio::test]
async fn independent_reads_run_in_parallel() {
    let world = World::new().await;
    let model = "anthropic/claude-haiku-3.5";
    let before = at("2026-08-20T00:00:00Z");
    world
        .caller("acme")
        .record(&[call("1", "nova", model, noon(), &json!({})), call("2", "nova", model, before, &json!({}))])
        .await;
    let app = world.app::<costs::Tables>(world.stack.client().clone());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let ask = async |path: &str| {
        let earlier = app.tables.usage.meter().reading();
        let request =
            Request::get(format!("{PATH}/{path}")).header("authorization", format!("Bearer {token}"));
        let router = app.router(costs::routes());
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        app.tables.usage.meter().reading().since(earlier).reads
    };
    // The first request also reads the zone, in parallel with the rest.
    assert_eq!(ask("by-model").await, 2);
    for (path, reads) in [
        ("by-model", 1),
        ("by-provider", 1),
        // The days, the agents, the budget.
        ("summary", 3),
        // The agents' days (two kinds of packs, and pages), the organization's days for model names, the agents.
        ("agents", 5),
        ("budget-alerts", 5),
        // The same over two months.
        ("recommendations", 5),
        ("pricing", 1),
        ("by-model?month=2026-08", 1),
    ] {
        assert_eq!(ask(path).await, reads, "{path}");
    }
}
