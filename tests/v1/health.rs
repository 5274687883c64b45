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
use serde_json::{Value, json};
use store::keys::mark_column;
use store::quarantine::QuarantineRecord;
use store::{Store, TableNames};
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
    let app = world.app(world.stack.client().clone());
    let router = app.router(health::routes());
    let lane = |lane| json!({ "lane": lane, "newest_aggregated_at": null, "age_seconds": null });
    let nothing = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"), "lanes": [lane(0), lane(1), lane(2), lane(3)],
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
    app.store.quarantine(&[aside]).await.unwrap();
    expire_cache().await;
    let mut degraded = counted.clone();
    degraded["status"] = json!("degraded");
    degraded["quarantine"] = json!({ "count": 1, "oldest_at": "2026-09-15T12:00:00Z" });
    assert_eq!(health(&router).await, degraded);

    let entry = quarantined(&app.store).await.remove(0);
    assert!(app.store.release(&entry.place).await.unwrap());
    expire_cache().await;
    assert_eq!(health(&router).await, counted);
}

#[tokio::test]
async fn it_reads_two_small_items_once_for_many_concurrent_requests() {
    let world = World::new().await;
    let calls: Vec<_> = (0..40).map(|id| call(&id.to_string(), noon())).collect();
    world.caller("acme").record(&calls).await;
    let app = world.app(world.stack.client().clone());
    // The length of the quarantine does not matter.
    for id in 0..40 {
        let raw = tables::record(&tables::call(id, "nova", "m", "0.01", noon()), &id.to_string());
        let aside =
            QuarantineRecord::new(&mark_column(tables::STREAM, "shardId-1"), &id.to_string(), &raw, "odd");
        app.store.quarantine(&[aside]).await.unwrap();
    }
    let router = app.router(health::routes());
    let before = app.store.meter().reading();
    futures::future::join_all((0..20).map(|_| health(&router))).await;
    let used = app.store.meter().reading().since(before);
    assert_eq!((used.reads, used.half_read_units, used.writes), (1, 2, 0));
    expire_cache().await;
    health(&router).await;
    assert_eq!(app.store.meter().reading().since(before).reads, 2);
}

#[tokio::test]
async fn a_function_without_keys_serves_public_routes_only() {
    let world = World::new().await;
    let app = world.app(world.stack.client().clone());
    let config = Arc::new(Config { auth: None, ..(*app.config).clone() });
    let keyless = App { verifier: Arc::new(Verifier::without_keys()), config, ..app };
    health(&keyless.router(health::routes())).await;
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::get("/v1/metrics/summary").header("authorization", format!("Bearer {token}"));
    let response = response_of(keyless.router(metrics::routes()), request.body(Body::empty()).unwrap()).await;
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
    let names = TableNames { usage: "missing".to_owned(), ..tables::names() };
    let mut missing = world.app(world.stack.client().clone());
    missing.store = Store::new(world.stack.client().clone(), &names);
    let unavailable =
        (StatusCode::SERVICE_UNAVAILABLE, json!({ "detail": "The service cannot answer now. Try again." }));
    assert_eq!(get(&missing.router(health::routes())).await, unavailable);
    assert_eq!(get(&world.app(nowhere).router(health::routes())).await, unavailable);
    time::pause();
    assert_eq!(get(&world.app(silent).router(health::routes())).await, unavailable);
}
