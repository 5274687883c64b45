//! Responses that get lost after the write, retries by the SDK, and a store that throttles.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aggregator::Aggregator;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::{Method, StatusCode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::metrics::{Metric, counted};
use serde_json::{Value, json};

use crate::support::events;
use crate::support::tables::{
    STREAM, Tables, aggregator_at_noon, call, deliver, delivery, folded, open, record,
};
use crate::support::{World, noon, response_of};

/// A fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The request is executed, and its response is lost.
    LoseResponse,
    /// The request is lost.
    LoseRequest,
}

/// An HTTP client that injects a fault into one in `every` requests, reads and writes alike, with a fixed seed.
#[derive(Clone)]
struct FaultInjector {
    inner: SharedHttpClient,
    fault: Fault,
    every: u32,
    rng: Arc<Mutex<StdRng>>,
}

impl fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of one in {}", self.fault, self.every)
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    injector: FaultInjector,
}

impl HttpClient for FaultInjector {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, injector: self.clone() })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let hit = self.injector.rng.lock().unwrap().random_ratio(1, self.injector.every);
        let lost = || ConnectorError::io("lost by the test".into());
        if !hit {
            return self.inner.call(request);
        }
        match self.injector.fault {
            Fault::LoseRequest => HttpConnectorFuture::ready(Err(lost())),
            Fault::LoseResponse => {
                let response = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    response.await?;
                    Err(lost())
                })
            }
        }
    }
}

/// A client of the same tables that injects faults.
fn faulty(client: &Client, fault: Fault, every: u32) -> Client {
    let inner = aws_smithy_http_client::Builder::new().build_http();
    let injector = FaultInjector { inner, fault, every, rng: Arc::new(Mutex::new(StdRng::seed_from_u64(1))) };
    // The usual number of attempts, without the usual pauses.
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    Client::from_conf(client.config().to_builder().http_client(injector).retry_config(retries).build())
}

/// Delivers as Lambda does: after a failure, again from the record that failed.
async fn deliver_until_done(aggregator: &Aggregator, mut records: &[Value]) {
    for _ in 0..100 {
        let response = aggregator.handle(delivery(STREAM, "shardId-1", records)).await.unwrap();
        let Some(failed) = response["batchItemFailures"].get(0) else { return };
        let is_named = |record: &Value| record["dynamodb"]["SequenceNumber"] == failed["itemIdentifier"];
        records = &records[records.iter().position(is_named).unwrap()..];
    }
    panic!("a hundred attempts should suffice");
}

#[tokio::test]
async fn an_update_retried_by_the_sdk_counts_once() {
    for (fault, every) in [(Fault::LoseResponse, 2), (Fault::LoseResponse, 3), (Fault::LoseRequest, 2)] {
        let tables = Tables::new().await;
        let store = open(faulty(&tables.client, fault, every));
        let events: Vec<_> =
            (0..40).map(|i| call(i, &format!("agent-{}", i % 7), "m", "0.01", noon())).collect();
        let records: Vec<_> =
            events.iter().enumerate().map(|(i, event)| record(event, &format!("{:021}", i + 1))).collect();
        let aggregator = aggregator_at_noon(store);
        for batch in records.chunks(9) {
            deliver_until_done(&aggregator, batch).await;
        }
        assert_eq!(tables.held(&events).await, folded(&events), "{fault:?} {every}");
    }
}

#[tokio::test]
async fn a_failed_write_is_reported_with_the_first_missing_record() {
    let tables = Tables::new().await;
    let events: Vec<_> = (0..4).map(|i| call(i, "nova", "m", "0.01", noon())).collect();
    let numbers: Vec<_> = (1..=4).map(|i| format!("{i:021}")).collect();
    let records: Vec<_> = events.iter().zip(&numbers).map(|(event, number)| record(event, number)).collect();
    deliver(&aggregator_at_noon(tables.of()), "shardId-1", &records[..2]).await;
    // Every request is lost, including all retries.
    let cut_off = aggregator_at_noon(open(faulty(&tables.client, Fault::LoseRequest, 1)));
    let handled = cut_off.handle(delivery(STREAM, "shardId-1", &records[1..]));
    let (response, counts) = counted("aggregator", handled).await;
    let all = [Metric::Records, Metric::Quarantined, Metric::FailedBatches];
    assert_eq!(all.map(|metric| counts.get(metric)), [3, 0, 1]);
    let response = response.unwrap();
    let failures = json!([{ "itemIdentifier": numbers[1] }]);
    assert_eq!(response, json!({ "state": {}, "batchItemFailures": failures }));
    assert_eq!(tables.held(&events[..2]).await, folded(&events[..2]));
    deliver(&aggregator_at_noon(tables.of()), "shardId-1", &records[1..]).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

/// The response of ingest to five calls, over a faulty client.
async fn ingest_with_faults(world: &World, fault: Fault, every: u32, id: &str) -> (StatusCode, Value) {
    let app = world.app(faulty(world.stack.client(), fault, every));
    let batch: Vec<_> = (0..5).map(|i| events::call(&format!("{id}-{i}"), noon())).collect();
    let request = http::Request::builder()
        .method(Method::POST)
        .uri("/v1/events")
        .header("content-type", "application/json")
        .header(
            "authorization",
            format!("Bearer {}", world.stack.token("acme", &web::auth::Scope::ALL).unwrap()),
        )
        .body(axum::body::Body::from(json!(batch).to_string()))
        .unwrap();
    response_of(app.router(ingest::routes()), request).await
}

#[tokio::test]
async fn an_event_whose_response_was_lost_is_accepted_rather_than_a_duplicate() {
    let world = World::new().await;
    for (i, every) in [2, 3].into_iter().enumerate() {
        let (status, response) =
            ingest_with_faults(&world, Fault::LoseResponse, every, &format!("lost-{i}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(response, json!({ "accepted": 5, "duplicates": 0, "rejected": [] }), "{every}");
    }
    world.stack.drain().await;
    assert_eq!(world.caller("acme").get("/v1/metrics/summary").await["total_requests"], 10);
}

#[tokio::test]
async fn if_nothing_can_be_stored_ingest_responds_with_503() {
    let world = World::new().await;
    let ingest = ingest_with_faults(&world, Fault::LoseRequest, 1, "none");
    let ((status, response), counts) = counted("ingest", ingest).await;
    assert_eq!((counts.get(Metric::Accepted), counts.get(Metric::Unavailable)), (0, 5));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response, json!({ "detail": "The service cannot answer now. Try again." }));
}
