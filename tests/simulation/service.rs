//! Functions behind the API, each in its own process.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode};
use local::stack::all_names;
use local::token;
use runtime::clock::Clock;
use runtime::config::{Config, DEFAULT_EVENT_RETENTION_DAYS, MIN_SECRET_BYTES};
use runtime::tables::Tables;
use serde_json::Value;
use tower::ServiceExt;
use web::app::App;
use web::auth::{ApiKeys, Verifier};
use web::freshness::Freshness;
use web::route::Route;

use super::wire::Process;
use crate::support::tables::{as_function, open};

/// The secret that signs tokens.
pub const SECRET: [u8; MIN_SECRET_BYTES] = [7; MIN_SECRET_BYTES];

/// A function in a process.
#[derive(Clone)]
pub struct Service {
    pub process: Process,
    pub clock: Clock,
    router: Router,
}

pub fn ingest(process: Process, client: Client, clock: Clock) -> Service {
    service(process, as_function("ingest", &client), clock, ingest::routes())
}

pub fn registry(process: Process, client: Client, clock: Clock) -> Service {
    service(process, as_function("registry", &client), clock, registry::routes())
}

pub fn metrics(process: Process, client: Client, clock: Clock) -> Service {
    service(process, as_function("metrics", &client), clock, metrics::routes())
}

fn service<T: Tables>(process: Process, client: Client, clock: Clock, routes: Vec<Route<T>>) -> Service {
    let auth = token::auth(&SECRET);
    let config = Config {
        tables: all_names(),
        auth: Some(auth.clone()),
        event_retention_days: DEFAULT_EVENT_RETENTION_DAYS,
        cursor_secret: None,
        allow_local_webhooks: true,
        alerts_topic_arn: None,
        export_bucket: None,
        sign_in: None,
    };
    let verifier = Arc::new(Verifier::new(&auth).unwrap());
    let keys = Arc::new(ApiKeys::new(None));
    let freshness = Arc::new(Freshness::new(None));
    let tables = open(client);
    let app = App { config: Arc::new(config), clock: clock.clone(), verifier, keys, freshness, tables };
    Service { process, clock, router: app.router(routes) }
}

impl Service {
    /// Sends a request and parses the response.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}
