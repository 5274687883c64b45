//! `GET /v1/health`.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use axum::Router;
use axum::body::Body;
use chrono::TimeDelta;
use health::health::FRESH;
use http::{Request, StatusCode};
use runtime::config::Config;
use runtime::tables::Tables;
use serde_json::{Value, json};
use store::keys::mark_column;
use store::quarantine::QuarantineRecord;
use store::{Connection, Usage};
use tokio::time;
use web::app::App;
use web::auth::{Scope, Verifier};

use crate::support::events::call;
use crate::support::tables::{self, quarantined};
use crate::support::{World, noon, response_of};

async fn get(router: &Router) -> (StatusCode, Value) {
    response_of(router.clone(), Request::get("/v1/health").body(Body::empty()).unwrap()).await
}

async fn health(router: &Router) -> Value {
    let (status, body) = get(router).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// Waits until the cached response has expired.
async fn expire_cache() {
    time::pause();
    time::advance(FRESH).await;
    time::resume();
}

#[tokio::test]
async fn it_reports_lane_progress_and_the_quarantine() {
    let world = World::new().await;
    let app = world.app::<health::Tables>(world.stack.client().clone());
    let router = app.router(health::routes());
    let lane = |lane| json!({ "lane": lane, "newest_aggregated_at": null, "age_seconds": null });
    let unmeasured = json!({ "lag_seconds": null, "oldest_waiting_at": null, "complete_through": null, "measured_at": null });
    let nothing = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"), "aggregation": unmeasured, "lanes": [lane(0), lane(1), lane(2), lane(3)],
        "quarantine": { "count": 0, "oldest_at": null },
    });
    assert_eq!(health(&router).await, nothing);

    let calls: Vec<_> = (0..40).map(|id| call(&id.to_string(), noon())).collect();
    world.caller("acme").record(&calls).await;
    world.stack.clock().set(noon() + TimeDelta::milliseconds(12_345));
    expire_cache().await;
    let lane =
        |lane| json!({ "lane": lane, "newest_aggregated_at": "2026-09-15T12:00:00Z", "age_seconds": 12.345 });
    let mut counted = nothing.clone();
    counted["lanes"] = json!([lane(0), lane(1), lane(2), lane(3)]);
    assert_eq!(health(&router).await, counted);

    let raw = tables::record(&tables::call(1, "nova", "m", "0.01", noon()), "1");
    let aside = QuarantineRecord::new(&mark_column(tables::STREAM, "shardId-1"), "1", &raw, "odd");
    app.tables.usage.quarantine(&[aside]).await.unwrap();
    expire_cache().await;
    // Of one organization, and no one else waits for it.
    let mut quarantined_one = counted.clone();
    quarantined_one["quarantine"] = json!({ "count": 1, "oldest_at": "2026-09-15T12:00:00Z" });
    assert_eq!(health(&router).await, quarantined_one);

    let entry = quarantined(&app.tables.usage).await.remove(0);
    assert!(app.tables.usage.release(&entry.place).await.unwrap());
    expire_cache().await;
    assert_eq!(health(&router).await, counted);
}

#[tokio::test]
async fn events_that_are_not_aggregated_are_a_lag_and_idleness_is_none() {
    let world = World::new().await;
    let app = world.app::<health::Tables>(world.stack.client().clone());
    let router = app.router(health::routes());
    let caller = world.caller("acme");
    let aggregation = async || {
        world.stack.invoke("completeness", json!({})).await.unwrap();
        expire_cache().await;
        let mut health = health(&router).await;
        (health["status"].take(), health["aggregation"].take())
    };
    caller.record(&[call("counted", noon())]).await;
    world.stack.clock().set(noon() + TimeDelta::hours(9));
    let idle = json!({ "lag_seconds": 0, "oldest_waiting_at": null, "complete_through": "2026-09-15T20:59:50Z",
        "measured_at": "2026-09-15T21:00:00Z" });
    assert_eq!(aggregation().await, (json!("ok"), idle));
    caller.post(&json!([call("waits", noon() + TimeDelta::hours(9))])).await;
    world.stack.clock().set(noon() + TimeDelta::hours(9) + TimeDelta::minutes(6));
    let late = json!({ "lag_seconds": 360, "oldest_waiting_at": "2026-09-15T21:00:00Z",
        "complete_through": "2026-09-15T20:59:50Z", "measured_at": "2026-09-15T21:06:00Z" });
    assert_eq!(aggregation().await, (json!("degraded"), late));
    world.stack.drain().await;
    assert_eq!(aggregation().await.0, "ok");
}

#[tokio::test]
async fn it_reads_three_small_items_once_for_many_concurrent_requests() {
    let world = World::new().await;
    let calls: Vec<_> = (0..40).map(|id| call(&id.to_string(), noon())).collect();
    world.caller("acme").record(&calls).await;
    let app = world.app::<health::Tables>(world.stack.client().clone());
    // The length of the quarantine does not matter.
    for id in 0..40 {
        let raw = tables::record(&tables::call(id, "nova", "m", "0.01", noon()), &id.to_string());
        let aside =
            QuarantineRecord::new(&mark_column(tables::STREAM, "shardId-1"), &id.to_string(), &raw, "odd");
        app.tables.usage.quarantine(&[aside]).await.unwrap();
    }
    let router = app.router(health::routes());
    let before = app.tables.usage.meter().reading();
    futures::future::join_all((0..20).map(|_| health(&router))).await;
    let used = app.tables.usage.meter().reading().since(before);
    assert_eq!((used.reads, used.half_read_units, used.writes), (1, 3, 0));
    expire_cache().await;
    health(&router).await;
    assert_eq!(app.tables.usage.meter().reading().since(before).reads, 2);
}

/// A function that cannot verify tokens.
fn keyless<T: Tables>(world: &World) -> App<T> {
    let app = world.app(world.stack.client().clone());
    let config = Arc::new(Config { auth: None, ..(*app.config).clone() });
    App { verifier: Arc::new(Verifier::without_keys()), config, ..app }
}

#[tokio::test]
async fn a_function_without_keys_serves_public_routes_only() {
    let world = World::new().await;
    health(&keyless(&world).router(health::routes())).await;
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::get("/v1/metrics/summary").header("authorization", format!("Bearer {token}"));
    let response =
        response_of(keyless(&world).router(metrics::routes()), request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.0, StatusCode::UNAUTHORIZED);
}

/// An HTTP client that never gets a response.
#[derive(Clone, Debug)]
struct Silence;

impl HttpClient for Silence {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Silence {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(std::future::pending())
    }
}

#[tokio::test]
async fn tables_that_cannot_be_read_are_a_503() {
    let world = World::new().await;
    let config = || world.stack.client().config().to_builder().retry_config(RetryConfig::disabled());
    let nowhere = Client::from_conf(config().endpoint_url("http://127.0.0.1:1").build());
    let silent = Client::from_conf(config().http_client(Silence).build());
    let mut missing = world.app::<health::Tables>(world.stack.client().clone());
    missing.tables.usage = Usage::open(&Connection::new(world.stack.client().clone()), "missing");
    let unavailable =
        (StatusCode::SERVICE_UNAVAILABLE, json!({ "detail": "The service cannot answer now. Try again." }));
    assert_eq!(get(&missing.router(health::routes())).await, unavailable);
    assert_eq!(get(&world.app(nowhere).router(health::routes())).await, unavailable);
    time::pause();
    assert_eq!(get(&world.app(silent).router(health::routes())).await, unavailable);
}
