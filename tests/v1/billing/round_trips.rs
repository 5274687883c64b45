//! Round trips per request.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt;
use web::auth::Scope;

use super::{at, call};
use crate::support::{World, noon};

#[tokio::test]
async fn independent_reads_run_in_parallel() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let user = json!({ "end_user": "ann" });
    caller
        .record(&[call("1", "nova", noon(), &user), call("2", "nova", at("2026-08-20T00:00:00Z"), &user)])
        .await;
    let app = world.app::<billing::Tables>(world.stack.client().clone());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let ask = async |path: &str| {
        let earlier = app.tables.usage.meter().reading();
        let request =
            Request::get(format!("/v1/billing{path}")).header("authorization", format!("Bearer {token}"));
        let response =
            app.router(billing::routes()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        app.tables.usage.meter().reading().since(earlier)
    };
    let trial = ask("/trial-status").await;
    assert_eq!((trial.reads, trial.half_read_units), (1, 1));
    // The first request also reads the zone, in parallel with the rest.
    assert_eq!(ask("/usage/chart").await.reads, 2);
    for (path, reads) in [
        // The zone with the plan, the agents and the nodes; then the days and the end users.
        ("", 5),
        // The zone with the plan and the agents; then the days, the agents' days (blocks, packs and pages) and the end users.
        ("/usage", 7),
        ("/usage/chart", 1),
        ("/usage/chart?days=365", 1),
        // The agent itself, and the packs and the pages of all agents.
        ("/usage/chart?instance_id=nova", 3),
        ("/usage/chart?days=365&instance_id=nova", 3),
    ] {
        assert_eq!(ask(path).await.reads, reads, "{path}");
    }
    // A period that spans two months takes two queries of end users.
    let plan = json!({ "current_period_start": "2026-08-15T00:00:00Z", "current_period_end": "2026-09-16T00:00:00Z" });
    caller.put("/v1/billing/subscription", &plan).await;
    assert_eq!((ask("").await.reads, ask("/usage").await.reads), (6, 8));
}
