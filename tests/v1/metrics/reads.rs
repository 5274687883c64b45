//! Round trips and read units of each endpoint, as reported by DynamoDB.

use axum::body::Body;
use chrono::TimeDelta;
use http::Request;
use serde_json::json;
use store::Reading;
use tower::ServiceExt;
use web::auth::Scope;

use crate::support::events::call;
use crate::support::{World, noon};

/// What one request consumes when the settings are cached, as they are in nearly all requests.
async fn used(world: &World, path: &str) -> Reading {
    let app = world.app(world.stack.client().clone());
    let router = app.router(metrics::routes());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let ask = || {
        let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    ask().await.unwrap();
    let before = app.tables.usage.meter().reading();
    assert_eq!(ask().await.unwrap().status(), 200);
    app.tables.usage.meter().reading().since(before)
}

#[tokio::test]
async fn usage_takes_one_round_trip_and_the_registry_one_more() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let events: Vec<_> = (0..34)
        .flat_map(|day| {
            (0..10).map(move |agent| {
                let mut event = call(&format!("{day}-{agent}"), noon() - TimeDelta::days(day));
                event["data"]["agent_id"] = json!(format!("agent-{agent}"));
                event
            })
        })
        .collect();
    caller.record(&events).await;
    for (path, reads, half_units) in [
        // 30 days of an organization with one model fit into two pages of 4 KiB, at half a unit each.
        ("/v1/metrics/usage", 1, 2),
        ("/v1/metrics/models", 1, 2),
        // Ten agents in the registry fit into 4 KiB.
        ("/v1/metrics/summary", 2, 3),
        // The registry, and three for agents' days: blocks, packs and pages.
        ("/v1/metrics/instances", 4, 5),
    ] {
        let used = used(&world, path).await;
        println!("{path}: {used:?}");
        assert_eq!(used.reads, reads, "{path}");
        assert!(used.half_read_units <= half_units, "{path}: {used:?}");
        assert_eq!(used.writes, 0);
    }
}
