//! Answers that get lost after the write, the SDK's own retry of it, and a store that throttles.

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
use crate::support::tables::{STREAM, Tables, call, deliver, delivery, folded, record};
use crate::support::{World, answered, noon};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is carried out, and the answer is lost.
    LoseAnswer,
    /// It never arrives.
    LoseRequest,
}

/// An HTTP client that spoils one in `every` requests, writes and reads alike, by a dice that always falls the same.
#[derive(Clone)]
struct Spoiler {
    inner: SharedHttpClient,
    fault: Fault,
    every: u32,
    dice: Arc<Mutex<StdRng>>,
}

impl fmt::Debug for Spoiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of one in {}", self.fault, self.every)
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    spoiler: Spoiler,
}

impl HttpClient for Spoiler {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, spoiler: self.clone() })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let spoilt = self.spoiler.dice.lock().unwrap().random_ratio(1, self.spoiler.every);
        let lost = || ConnectorError::io("lost by the test".into());
        if !spoilt {
            return self.inner.call(request);
        }
        match self.spoiler.fault {
            Fault::LoseRequest => HttpConnectorFuture::ready(Err(lost())),
            Fault::LoseAnswer => {
                let carried_out = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    carried_out.await?;
                    Err(lost())
                })
            }
        }
    }
}

/// A client of the same tables, one in `every` of whose requests is spoilt.
fn spoilt(client: &Client, fault: Fault, every: u32) -> Client {
    let inner = aws_smithy_http_client::Builder::new().build_http();
    let spoiler = Spoiler { inner, fault, every, dice: Arc::new(Mutex::new(StdRng::seed_from_u64(1))) };
    // The SDK tries as often as ever, but does not wait long.
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    Client::from_conf(client.config().to_builder().http_client(spoiler).retry_config(retries).build())
}

/// Delivers as Lambda does: what was not taken comes again, from the record that was named.
async fn deliver_until_done(aggregator: &Aggregator, mut records: &[Value]) {
    for _ in 0..100 {
        let answer = aggregator.handle(delivery(STREAM, "shardId-1", records)).await.unwrap();
        let Some(failed) = answer["batchItemFailures"].get(0) else { return };
        let is_named = |record: &Value| record["dynamodb"]["SequenceNumber"] == failed["itemIdentifier"];
        records = &records[records.iter().position(is_named).unwrap()..];
    }
    panic!("what is tried a hundred times has to succeed");
}

#[tokio::test]
async fn the_sdks_own_retry_of_an_update_counts_once() {
    for (fault, every) in [(Fault::LoseAnswer, 2), (Fault::LoseAnswer, 3), (Fault::LoseRequest, 2)] {
        let tables = Tables::new().await;
        let store = Tables::store_by(spoilt(&tables.client, fault, every));
        let events: Vec<_> =
            (0..40).map(|i| call(i, &format!("agent-{}", i % 7), "m", "0.01", noon())).collect();
        let records: Vec<_> =
            events.iter().enumerate().map(|(i, event)| record(event, &format!("{:021}", i + 1))).collect();
        let aggregator = Aggregator::new(store);
        for batch in records.chunks(9) {
            deliver_until_done(&aggregator, batch).await;
        }
        assert_eq!(tables.held(&events).await, folded(&events), "{fault:?} {every}");
    }
}

#[tokio::test]
async fn a_write_that_fails_for_good_is_asked_for_again_from_the_first_record_that_is_missing() {
    let tables = Tables::new().await;
    let events: Vec<_> = (0..4).map(|i| call(i, "nova", "m", "0.01", noon())).collect();
    let numbers: Vec<_> = (1..=4).map(|i| format!("{i:021}")).collect();
    let records: Vec<_> = events.iter().zip(&numbers).map(|(event, number)| record(event, number)).collect();
    deliver(&Aggregator::new(tables.store()), "shardId-1", &records[..2]).await;
    // Nothing arrives, however often the SDK tries.
    let cut_off = Aggregator::new(Tables::store_by(spoilt(&tables.client, Fault::LoseRequest, 1)));
    let handled = cut_off.handle(delivery(STREAM, "shardId-1", &records[1..]));
    let (answer, counts) = counted("aggregator", handled).await;
    let all = [Metric::Records, Metric::Quarantined, Metric::FailedBatches];
    assert_eq!(all.map(|metric| counts.get(metric)), [3, 0, 1]);
    let answer = answer.unwrap();
    let failures = json!([{ "itemIdentifier": numbers[1] }]);
    assert_eq!(answer, json!({ "state": {}, "batchItemFailures": failures }));
    assert_eq!(tables.held(&events[..2]).await, folded(&events[..2]));
    deliver(&Aggregator::new(tables.store()), "shardId-1", &records[1..]).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

/// Ingest over a client whose requests are spoilt, and what it answers to five calls.
async fn ingest_spoilt(world: &World, fault: Fault, every: u32, id: &str) -> (StatusCode, Value) {
    let app = world.app(spoilt(world.stack.client(), fault, every));
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
    answered(app.router(ingest::routes()), request).await
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_accepted_not_a_duplicate() {
    let world = World::new().await;
    for (i, every) in [2, 3].into_iter().enumerate() {
        let (status, answer) = ingest_spoilt(&world, Fault::LoseAnswer, every, &format!("lost-{i}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer, json!({ "accepted": 5, "duplicates": 0, "rejected": [] }), "{every}");
    }
    world.stack.drain().await;
    assert_eq!(world.caller("acme").get("/v1/metrics/summary").await["total_requests"], 10);
}

#[tokio::test]
async fn when_nothing_can_be_stored_the_caller_is_asked_to_come_again() {
    let world = World::new().await;
    let ingest = ingest_spoilt(&world, Fault::LoseRequest, 1, "none");
    let ((status, answer), counts) = counted("ingest", ingest).await;
    assert_eq!((counts.get(Metric::Accepted), counts.get(Metric::Unavailable)), (0, 5));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer, json!({ "detail": "The service cannot answer now. Try again." }));
}
