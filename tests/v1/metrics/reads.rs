//! What a request costs in round trips and read units, as the tables themselves say it.

use axum::body::Body;
use chrono::TimeDelta;
use http::Request;
use serde_json::json;
use store::Reading;
use tower::ServiceExt;
use web::auth::Scope;

use crate::support::events::call;
use crate::support::{World, noon};

/// What one request to a function uses whose settings are at hand, as they are in all requests but a few.
async fn used(world: &World, path: &str) -> Reading {
    let app = world.app(world.stack.client().clone());
    let router = app.router(metrics::routes());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let ask = || {
        let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    ask().await.unwrap();
    let before = app.store.meter().reading();
    assert_eq!(ask().await.unwrap().status(), 200);
    app.store.meter().reading().since(before)
}

#[tokio::test]
async fn one_round_trip_and_one_more_where_the_registry_is_needed() {
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
        // 30 days of an organisation with one model are less than twice 4 KiB, at half a unit each.
        ("/v1/metrics/usage", 1, 2),
        ("/v1/metrics/models", 1, 2),
        // Ten agents of the registry fit into 4 KiB.
        ("/v1/metrics/summary", 2, 3),
        // Ten agents' 30 days lie in two months, one query each.
        ("/v1/metrics/instances", 3, 11),
    ] {
        let used = used(&world, path).await;
        println!("{path}: {used:?}");
        assert_eq!(used.reads, reads, "{path}");
        assert!(used.half_read_units <= half_units, "{path}: {used:?}");
        assert_eq!(used.writes, 0);
    }
}
