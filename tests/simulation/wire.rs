//! The SDK's way to the engine: no socket, and every request waits until the run decides what becomes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use ledger::event::REGISTRY_SOURCE;
use serde_json::{Value, json};
use store::keys::{PK, SK, event_key, parse_event_key};
use tokio::sync::oneshot;

use super::engine::Engine;

/// A process that sends requests.
pub type Process = u32;

/// The process of the examiner, whose requests never wait.
pub const EXAMINER: Process = 0;

/// Attempts of the SDK at one call. Fewer than in production, so that giving up is seen too.
const ATTEMPTS: u32 = 3;

/// What the SDK is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status and a body.
    Reply(u16, String),
    /// Nothing: the connection broke.
    Broken,
    /// Nothing in time.
    TimedOut,
}

/// A request that waits.
pub struct Request {
    pub process: Process,
    pub operation: String,
    /// The item that it is about, where it is about one: what tells it from the others of its process.
    pub place: String,
    pub body: Value,
    arrival: u64,
    answer: oneshot::Sender<Answer>,
}

impl Request {
    /// Answers it. Whoever asked may be gone.
    pub fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }

    /// Its place among those that wait. Maps give no order, so the order of arrival says little.
    fn order(&self) -> (Process, &str, &str, u64) {
        (self.process, &self.operation, &self.place, self.arrival)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{} {} {}", self.process, self.operation, self.place)
    }
}

/// All requests of a run.
#[derive(Clone)]
pub struct Wire {
    engine: Arc<Engine>,
    waiting: Arc<Mutex<(u64, Vec<Request>)>>,
    /// The ids of the registry's own entries, and what stands for them here.
    entries: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Wire {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, waiting: Arc::default(), entries: Arc::default() }
    }

    /// A client for one process.
    pub fn client(&self, process: Process) -> Client {
        // The SDK waits a random time before it tries again, which no seed decides: here it waits none.
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::ZERO)
            .with_max_backoff(Duration::ZERO);
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            // A tenth of the time would go into signatures that nobody reads.
            .allow_no_auth()
            .endpoint_url("http://tables.invalid")
            .retry_config(retries)
            // By default all clients of the test binary draw on one budget of retries.
            .retry_partition(RetryPartition::custom("simulation").build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Door { wire: self.clone(), process });
        Client::from_conf(config.build())
    }

    /// The registry gives its entries random ids, and so random lanes. Here they are counted.
    fn name_entries(&self, body: &mut Value) {
        let written = body.pointer_mut("/TransactItems").and_then(Value::as_array_mut);
        for item in written.into_iter().flatten().filter_map(|one| one.pointer_mut("/Put/Item")) {
            let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
            let Some((org, day, REGISTRY_SOURCE, id)) = parse_event_key(text(PK), text(SK)) else { continue };
            let mut entries = self.entries.lock().unwrap();
            let count = entries.len();
            let number = *entries.entry(id.to_owned()).or_insert(count);
            let key = event_key(&org, day, REGISTRY_SOURCE, &number.to_string());
            (item[PK], item[SK]) = (json!({ "S": key.pk }), json!({ "S": key.sk }));
        }
    }

    /// What waits, in an order that is the same in every run of a seed, by its number.
    pub fn waiting(&self) -> Vec<(usize, Process)> {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.1.sort_by(|a, b| a.order().cmp(&b.order()));
        waiting.1.iter().enumerate().map(|(i, request)| (i, request.process)).collect()
    }

    /// Takes the request with a number out of those that wait.
    pub fn take(&self, number: usize) -> Request {
        self.waiting.lock().unwrap().1.remove(number)
    }

    /// Takes all requests of a process.
    pub fn take_all(&self, process: Process) -> Vec<Request> {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.1.sort_by(|a, b| a.order().cmp(&b.order()));
        waiting.1.extract_if(.., |request| request.process == process).collect()
    }
}

/// One process's end of the wire.
#[derive(Clone)]
struct Door {
    wire: Wire,
    process: Process,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "door of {}", self.process)
    }
}

impl HttpClient for Door {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit_once('.').unwrap().1.to_owned();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.wire.name_entries(&mut body);
        if self.process == EXAMINER {
            let (status, body) = self.wire.engine.execute(&operation, &body);
            return HttpConnectorFuture::ready(received(Answer::Reply(status, body)));
        }
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.wire.waiting.lock().unwrap();
        waiting.0 += 1;
        let (arrival, place) = (waiting.0, place(&body));
        waiting.1.push(Request { process: self.process, operation, place, body, arrival, answer });
        HttpConnectorFuture::new(async move {
            match answered.await {
                Ok(answer) => received(answer),
                // Nobody will ever answer.
                Err(_) => pending().await,
            }
        })
    }
}

fn place(body: &Value) -> String {
    let key = body.get("Key").or_else(|| body.get("Item")).unwrap_or(&Value::Null);
    let part = |name: &str| key[name]["S"].as_str().unwrap_or_default().to_owned();
    let table = body["TableName"].as_str().and_then(|name| name.rsplit('-').next()).unwrap_or_default();
    format!("{table} {} {}", part(PK), part(SK))
}

fn received(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    match answer {
        Answer::Reply(status, body) => {
            let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            Ok(response)
        }
        Answer::Broken => Err(ConnectorError::io("broken by the simulation".into())),
        Answer::TimedOut => Err(ConnectorError::timeout("too late in the simulation".into())),
    }
}
