//! The transport between the SDK and the engine: no socket, and every request waits until the run decides its fate.

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
use store::keys::{PK, REPRICINGS_DUE, SK, event_key, parse_event_key};
use tokio::sync::oneshot;

use super::engine::Engine;

/// The id of a process.
pub type Process = u32;

/// The process whose requests are executed immediately. It sets up and inspects the tables.
pub const DIRECT: Process = 0;

/// The attempts of the SDK per call, fewer than in production, so that it gives up now and then.
const ATTEMPTS: u32 = 3;

/// What the SDK receives.
#[derive(Clone, Debug)]
pub enum SdkResponse {
    /// A status and a body.
    Http(u16, String),
    /// A broken connection.
    Broken,
    /// A timeout.
    TimedOut,
}

/// A waiting request.
pub struct Request {
    pub process: Process,
    pub operation: String,
    /// The item it concerns, if any, which distinguishes it from the other requests of its process.
    pub place: String,
    pub body: Value,
    arrival: u64,
    response: oneshot::Sender<SdkResponse>,
}

impl Request {
    /// Responds to the request. Its process may be dead.
    pub fn respond(self, response: SdkResponse) {
        let _ = self.response.send(response);
    }

    /// The position among the waiting requests. The order of arrival comes last, since hash maps make it random.
    fn order(&self) -> (Process, &str, &str, u64) {
        (self.process, &self.operation, &self.place, self.arrival)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{} {} {}", self.process, self.operation, self.place)
    }
}

/// All waiting requests of a run.
#[derive(Clone)]
pub struct Wire {
    engine: Arc<Engine>,
    waiting: Arc<Mutex<(u64, Vec<Request>)>>,
    /// The ids of audit entries, numbered.
    entries: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Wire {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, waiting: Arc::default(), entries: Arc::default() }
    }

    /// A client for one process.
    pub fn client(&self, process: Process) -> Client {
        // The SDK's random pause before a retry would not follow from the seed.
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::ZERO)
            .with_max_backoff(Duration::ZERO);
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            // Signing would take a tenth of the time.
            .allow_no_auth()
            .endpoint_url("http://tables.invalid")
            .retry_config(retries)
            // Otherwise all clients of the test binary would share one retry quota.
            .retry_partition(RetryPartition::custom("simulation").build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Connector { wire: self.clone(), process });
        Client::from_conf(config.build())
    }

    /// A client of the streams for one process.
    pub fn streams_client(&self, process: Process) -> aws_sdk_dynamodbstreams::Client {
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::ZERO)
            .with_max_backoff(Duration::ZERO);
        let config = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .allow_no_auth()
            .endpoint_url("http://streams.invalid")
            .retry_config(retries)
            .retry_partition(RetryPartition::custom("simulation of streams").build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Connector { wire: self.clone(), process });
        aws_sdk_dynamodbstreams::Client::from_conf(config.build())
    }

    /// Replaces the random ids of audit entries by numbers, so that their lanes follow from the seed.
    fn fix_entry_ids(&self, body: &mut Value) {
        let written = body.pointer_mut("/TransactItems").and_then(Value::as_array_mut);
        for item in written.into_iter().flatten().filter_map(|one| one.pointer_mut("/Put/Item")) {
            let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
            let entry =
                parse_event_key(text(PK), text(SK)).filter(|(_, _, source, _)| source == REGISTRY_SOURCE);
            let Some((org, day, _, id)) = entry else { continue };
            let mut entries = self.entries.lock().unwrap();
            let count = entries.len();
            let number = *entries.entry(id.to_owned()).or_insert(count);
            let key = event_key(&org, day, REGISTRY_SOURCE, &number.to_string());
            (item[PK], item[SK]) = (json!({ "S": key.pk }), json!({ "S": key.sk }));
        }
    }

    /// The waiting requests with their processes, in an order that follows from the seed.
    pub fn waiting(&self) -> Vec<(usize, Process)> {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.1.sort_by(|a, b| a.order().cmp(&b.order()));
        waiting.1.iter().enumerate().map(|(i, request)| (i, request.process)).collect()
    }

    /// Takes the request at an index of `waiting`.
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

/// The transport of one process.
#[derive(Clone)]
struct Connector {
    wire: Wire,
    process: Process,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "door of {}", self.process)
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit_once('.').unwrap().1.to_owned();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.wire.fix_entry_ids(&mut body);
        if self.process == DIRECT {
            let (status, body) = self.wire.engine.execute(&operation, &body);
            return HttpConnectorFuture::ready(received(SdkResponse::Http(status, body)));
        }
        let (response, receiver) = oneshot::channel();
        let mut waiting = self.wire.waiting.lock().unwrap();
        waiting.0 += 1;
        let (arrival, place) = (waiting.0, place(&body));
        waiting.1.push(Request { process: self.process, operation, place, body, arrival, response });
        HttpConnectorFuture::new(async move {
            match receiver.await {
                Ok(response) => received(response),
                // The process never gets a response.
                Err(_) => pending().await,
            }
        })
    }
}

fn place(body: &Value) -> String {
    if let Some(place) = body["ShardId"].as_str().or_else(|| body["ShardIterator"].as_str()) {
        return format!("{} {place}", body["StreamArn"].as_str().unwrap_or_default());
    }
    let key = body.get("Key").or_else(|| body.get("Item")).unwrap_or(&Value::Null);
    let part = |name: &str| key[name]["S"].as_str().unwrap_or_default().to_owned();
    let table = body["TableName"].as_str().and_then(|name| name.rsplit('-').next()).unwrap_or_default();
    let (pk, sk) = without_random_ids(part(PK), part(SK));
    format!("{table} {pk} {sk}")
}

/// A key without the random ids of repricing entries and of attempts at them.
fn without_random_ids(mut pk: String, mut sk: String) -> (String, String) {
    let cut = |text: &mut String, prefix: &str| {
        if let Some(at) = text.find(prefix) {
            text.replace_range(at + prefix.len().., "…");
        }
    };
    if pk.contains("#R#") {
        // Day, attempt, lane and page.
        sk = sk
            .split('#')
            .enumerate()
            .filter(|(i, _)| *i != 1)
            .map(|(_, part)| part)
            .collect::<Vec<_>>()
            .join("#");
    }
    cut(&mut pk, "#R#");
    cut(&mut sk, "REPRICE#");
    if pk == REPRICINGS_DUE {
        cut(&mut sk, "#");
    }
    (pk, sk)
}

fn received(response: SdkResponse) -> Result<HttpResponse, ConnectorError> {
    match response {
        SdkResponse::Http(status, body) => {
            let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            Ok(response)
        }
        SdkResponse::Broken => Err(ConnectorError::io("broken by the simulation".into())),
        SdkResponse::TimedOut => Err(ConnectorError::timeout("too late in the simulation".into())),
    }
}
