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
use store::Store;
use store::TableNames;
use store::keys::mark_column;
use store::quarantine::Aside;
use tokio::time;
use web::app::App;
use web::auth::{Scope, Verifier};

use crate::support::events::call;
use crate::support::tables::{self, quarantined};
use crate::support::{World, answered, noon};

async fn ask(router: &Router) -> (StatusCode, Value) {
    answered(router.clone(), Request::get("/v1/health").body(Body::empty()).unwrap()).await
}

async fn told(router: &Router) -> Value {
    let (status, body) = ask(router).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// Lets the last answer grow old.
async fn wait() {
    time::pause();
    time::advance(FRESH).await;
    time::resume();
}

#[tokio::test]
async fn it_tells_how_far_the_lanes_are_and_what_is_in_the_quarantine() {
    let world = World::new().await;
    let app = world.app(world.stack.client().clone());
    let router = app.router(health::routes());
    let lane = |lane| json!({ "lane": lane, "newest_aggregated_at": null, "age_seconds": null });
    let nothing = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"), "lanes": [lane(0), lane(1), lane(2), lane(3)],
        "quarantine": { "count": 0, "oldest_at": null },
    });
    assert_eq!(told(&router).await, nothing);

    let calls: Vec<_> = (0..40).map(|id| call(&id.to_string(), noon())).collect();
    world.caller("acme").record(&calls).await;
    world.stack.clock().set(noon() + TimeDelta::milliseconds(12_345));
    wait().await;
    let lane =
        |lane| json!({ "lane": lane, "newest_aggregated_at": "2026-09-15T12:00:00Z", "age_seconds": 12.345 });
    let mut counted = nothing.clone();
    counted["lanes"] = json!([lane(0), lane(1), lane(2), lane(3)]);
    assert_eq!(told(&router).await, counted);

    let raw = tables::record(&tables::call(1, "nova", "m", "0.01", noon()), "1");
    let aside = Aside::new(&mark_column(tables::STREAM, "shardId-1"), "1", &raw, "odd");
    app.store.quarantine(&[aside]).await.unwrap();
    wait().await;
    let mut degraded = counted.clone();
    degraded["status"] = json!("degraded");
    degraded["quarantine"] = json!({ "count": 1, "oldest_at": "2026-09-15T12:00:00Z" });
    assert_eq!(told(&router).await, degraded);

    let entry = quarantined(&app.store).await.remove(0);
    assert!(app.store.release(&entry.place).await.unwrap());
    wait().await;
    assert_eq!(told(&router).await, counted);
}

#[tokio::test]
async fn it_reads_two_small_items_once_however_often_it_is_asked() {
    let world = World::new().await;
    let calls: Vec<_> = (0..40).map(|id| call(&id.to_string(), noon())).collect();
    world.caller("acme").record(&calls).await;
    let app = world.app(world.stack.client().clone());
    // A long quarantine makes it no dearer.
    for id in 0..40 {
        let raw = tables::record(&tables::call(id, "nova", "m", "0.01", noon()), &id.to_string());
        let aside = Aside::new(&mark_column(tables::STREAM, "shardId-1"), &id.to_string(), &raw, "odd");
        app.store.quarantine(&[aside]).await.unwrap();
    }
    let router = app.router(health::routes());
    let before = app.store.meter().reading();
    futures::future::join_all((0..20).map(|_| told(&router))).await;
    let used = app.store.meter().reading().since(before);
    assert_eq!((used.reads, used.half_read_units, used.writes), (1, 2, 0));
    wait().await;
    told(&router).await;
    assert_eq!(app.store.meter().reading().since(before).reads, 2);
}

#[tokio::test]
async fn a_function_without_keys_answers_what_is_public_and_nothing_else() {
    let world = World::new().await;
    let app = world.app(world.stack.client().clone());
    let config = Arc::new(Config { auth: None, ..(*app.config).clone() });
    let keyless = App { verifier: Arc::new(Verifier::without_keys()), config, ..app };
    told(&keyless.router(health::routes())).await;
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::get("/v1/metrics/summary").header("authorization", format!("Bearer {token}"));
    let answer = answered(keyless.router(metrics::routes()), request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.0, StatusCode::UNAUTHORIZED);
}

/// An HTTP client that is never answered.
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
    assert_eq!(ask(&missing.router(health::routes())).await, unavailable);
    assert_eq!(ask(&world.app(nowhere).router(health::routes())).await, unavailable);
    time::pause();
    assert_eq!(ask(&world.app(silent).router(health::routes())).await, unavailable);
}
