//! Round trips of a request, counted as waves: all calls that are made at the same time are answered before any later one is
//! sent. So the number of waves is the time of a request in round trips, however long the calls take on this machine.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use axum::body::Body;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::sleep;

/// How often all other tasks get to run before a wave is taken as complete.
const ROUNDS: usize = 64;

/// A call to DynamoDB.
#[derive(Clone, Debug)]
pub struct Call {
    /// From 1 on.
    pub wave: u64,
    /// The operation and the keys that it reads.
    pub what: String,
    /// What it consumed.
    pub half_units: u64,
}

/// Holds calls back until no more are made.
#[derive(Clone, Default)]
pub struct Waves(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: Vec<oneshot::Sender<u64>>,
    in_flight: usize,
    waves: u64,
    calls: Vec<Call>,
}

impl Waves {
    /// `client`, its calls held back until [`Self::of`] lets them go.
    pub fn client(&self, client: &Client) -> Client {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        let gate = Gate { inner, waves: self.clone() };
        Client::from_conf(client.config().to_builder().http_client(gate).build())
    }

    /// Runs `request` to its end. Returns its result and the calls that it made.
    pub async fn of<T>(&self, request: impl Future<Output = T>) -> (T, Vec<Call>) {
        *self.state() = State::default();
        let mut request = std::pin::pin!(request);
        loop {
            tokio::select! {
                biased;
                result = &mut request => return (result, std::mem::take(&mut self.state().calls)),
                () = self.complete() => self.release(),
            }
        }
    }

    /// Returns when calls wait and nothing else can make another one.
    async fn complete(&self) {
        loop {
            let before = self.counts();
            let (waiting, in_flight) = before;
            if in_flight > 0 || waiting == 0 {
                sleep(Duration::from_millis(1)).await;
                continue;
            }
            for _ in 0..ROUNDS {
                yield_now().await;
            }
            if self.counts() == before {
                return;
            }
        }
    }

    fn release(&self) {
        let mut state = self.state();
        state.waves += 1;
        state.in_flight = state.waiting.len();
        let wave = state.waves;
        for call in std::mem::take(&mut state.waiting) {
            if call.send(wave).is_err() {
                state.in_flight -= 1;
            }
        }
    }

    fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.len(), state.in_flight)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waves")
    }
}

#[derive(Clone, Debug)]
struct Gate {
    inner: SharedHttpClient,
    waves: Waves,
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    waves: Waves,
}

impl HttpClient for Gate {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, waves: self.waves.clone() })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (release, released) = oneshot::channel();
        self.waves.state().waiting.push(release);
        let (inner, waves) = (self.inner.clone(), self.waves.clone());
        HttpConnectorFuture::new(async move {
            let what = what(&request);
            let wave = released.await.map_err(|error| ConnectorError::other(error.into(), None))?;
            let response = whole(inner.call(request).await?).await;
            let mut state = waves.state();
            state.in_flight -= 1;
            let (status, body) = response?;
            let half_units = half_units(&body);
            state.calls.push(Call { wave, what, half_units });
            Ok(HttpResponse::new(status.try_into().unwrap(), body.into()))
        })
    }
}

async fn whole(response: HttpResponse) -> Result<(u16, Vec<u8>), ConnectorError> {
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await;
    Ok((status, body.map_err(|error| ConnectorError::io(error.into()))?.to_vec()))
}

/// The operation and the texts by which it selects keys.
fn what(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
    let mut texts = Vec::new();
    if operation == "BatchGetItem" {
        let tables = body["RequestItems"].as_object().into_iter().flatten();
        texts.extend(tables.map(|(_, keys)| format!("{} keys", keys["Keys"].as_array().map_or(0, Vec::len))));
    }
    for part in ["Key", "ExpressionAttributeValues", "ExclusiveStartKey"] {
        let values = body[part].as_object().into_iter().flatten();
        texts.extend(values.filter_map(|(_, value)| Some(value["S"].as_str()?.to_owned())));
    }
    format!("{operation} {}", texts.join(" "))
}

#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not money"
)]
fn half_units(body: &[u8]) -> u64 {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let consumed = match &body["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum(),
        consumed => consumed["CapacityUnits"].as_f64().unwrap_or_default(),
    };
    (consumed * 2.0).round() as u64
}
