//! What the tests share.

pub mod attributes;
pub mod contract;
pub mod emulator;
pub mod events;
pub mod oracle;
pub mod pretty;
pub mod receiver;
pub mod registry;
pub mod tables;
pub mod waves;
pub mod zones;

use std::convert::Infallible;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use http::{Method, Request, StatusCode};
use ledger::period;
use local::stack::{Options, Stack, all_names};
use local::{sdk, token};
use rand::distr::{Alphanumeric, SampleString};
use runtime::clock::Clock;
use runtime::config::{Config, DEFAULT_EVENT_RETENTION_DAYS};
use runtime::tables::Tables;
use serde_json::{Value, json};
use store::Connection;
use tower::{Service, ServiceExt};
use web::app::App;
use web::auth::{ApiKeys, Scope, Verifier};
use web::freshness::Freshness;

/// The time of most tests: a noon with a price change, the start of the month and 90 days of summer time before it.
pub fn noon() -> DateTime<Utc> {
    period::parse_instant("2026-09-15T12:00:00Z").unwrap()
}

/// The whole system, by default with its clock fixed at [`noon`].
pub struct World {
    pub stack: Stack,
    secret: Vec<u8>,
}

/// A response with its body parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl World {
    /// A new, empty system at [`noon`].
    pub async fn new() -> Self {
        Self::at(Clock::fixed(noon())).await
    }

    /// A new, empty system.
    pub async fn at(clock: Clock) -> Self {
        // Text, like the secrets that Secrets Manager generates.
        let secret = Alphanumeric.sample_string(&mut rand::rng(), 64).into_bytes();
        let (dynamodb, access_key) = tables::other_engine().unzip();
        // Alerts may go to receivers on this machine.
        let options = Options {
            dynamodb,
            access_key: access_key.unwrap_or_else(|| sdk::ACCESS_KEY.to_owned()),
            clock,
            background: false,
            allow_local_webhooks: true,
            secret: secret.clone(),
            ..Options::default()
        };
        Self { stack: Stack::start(options).await.unwrap(), secret }
    }

    /// The secret that signs tokens.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The state of a function with this client.
    pub fn app<T: Tables>(&self, client: Client) -> App<T> {
        self.app_through(&Connection::new(client))
    }

    /// The state of a function with this connection.
    pub fn app_through<T: Tables>(&self, connection: &Connection) -> App<T> {
        let auth = token::auth(&self.secret);
        let verifier = Arc::new(Verifier::new(&auth).unwrap());
        let config = Config {
            tables: all_names(),
            auth: Some(auth),
            event_retention_days: DEFAULT_EVENT_RETENTION_DAYS,
            cursor_secret: Some(token::cursor_secret(&self.secret)),
            allow_local_webhooks: false,
            alerts_topic_arn: None,
            export_bucket: None,
            sign_in: None,
        };
        App {
            tables: tables::open_through(connection),
            config: Arc::new(config),
            clock: self.stack.clock().clone(),
            verifier,
            keys: Arc::new(ApiKeys::new(None)),
            freshness: Arc::new(Freshness::new(None)),
        }
    }

    /// A caller of `org` with every scope except `events:backfill`.
    pub fn caller(&self, org: &str) -> Caller<'_> {
        let scopes: Vec<_> = Scope::ALL.into_iter().filter(|scope| *scope != Scope::EventsBackfill).collect();
        let token = self.stack.token(org, &scopes).unwrap();
        Caller { stack: &self.stack, token: Some(token) }
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> Caller<'_> {
        Caller { stack: &self.stack, token: None }
    }

    /// A caller with this token.
    pub fn bearer(&self, token: &str) -> Caller<'_> {
        Caller { stack: &self.stack, token: Some(token.to_owned()) }
    }
}

/// Whether a path is answered with a page for people rather than with JSON.
fn is_page(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    ["/", "/docs", "/console"].contains(&path) || path.starts_with("/console/")
}

/// Compares the instants in the body of a response with those in its headers, and removes them from the body, so that
/// tests can compare figures.
fn check_instants(path: &str, headers: &http::HeaderMap, body: &mut Value) {
    let Some(as_of) = headers.get("fleetledger-as-of") else { return };
    let Some(fields) = body.as_object_mut() else { return };
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let mut field = |names: [&str; 2]| names.iter().find_map(|name| fields.remove(*name));
    assert_eq!(field(["asOf", "as_of"]), Some(json!(as_of.to_str().unwrap())), "{path}");
    let through = field(["completeThrough", "complete_through"]);
    assert_eq!(through, Some(json!(header("fleetledger-complete-through"))), "{path}");
}

/// Sends a request to a function's router and parses the response.
pub async fn response_of<B>(router: Router, request: http::Request<B>) -> (StatusCode, Value)
where
    Router: Service<http::Request<B>, Response = axum::response::Response, Error = Infallible>,
{
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = || Value::String(String::from_utf8(body.to_vec()).unwrap());
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
}

/// Whether the path is that of a file for other tools, which is not JSON.
pub fn is_file(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    path.starts_with("/api/exports/") || path == "/v1/openmetrics"
}

/// A sender of requests.
pub struct Caller<'a> {
    stack: &'a Stack,
    token: Option<String>,
}

impl Caller<'_> {
    /// Sends a request and parses the response. Compares both with the OpenAPI document.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response {
        let mut request = Request::builder().method(method.clone()).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent: Bytes = body.into();
        let response = self.stack.call(request.body(sent.clone()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let mut body = if parts.status == StatusCode::NO_CONTENT || method == Method::HEAD {
            assert!(body.is_empty(), "{path}");
            Value::Null
        } else if is_page(path) || (parts.status.is_success() && is_file(path)) {
            Value::String(String::from_utf8_lossy(&body).into_owned())
        } else {
            assert_eq!(parts.headers["content-type"], "application/json", "{path}");
            serde_json::from_slice(&body).unwrap()
        };
        if method != Method::HEAD {
            contract::check_response(&method, path, parts.status, &body);
        }
        // In binary mode the body is only the data of an event.
        let is_binary = headers.iter().any(|(name, _)| name.starts_with("ce-"));
        if parts.status.is_success() && contract::is_whole(&body) && !is_binary {
            contract::check_request(&method, path, &sent);
        }
        if parts.status.is_success() {
            check_instants(path, &parts.headers, &mut body);
        }
        Response { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request without a body and returns the response as it is.
    pub async fn send_raw(&self, method: Method, path: &str) -> http::Response<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.stack.call(request.body(Bytes::new()).unwrap()).await
    }

    /// Gets a path and expects 200.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.try_get(path).await;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
        response.body
    }

    /// Gets a path.
    pub async fn try_get(&self, path: &str) -> Response {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// Puts settings and expects 200.
    pub async fn put(&self, path: &str, body: &Value) -> Value {
        let json = [("content-type", "application/json")];
        let response = self.send(Method::PUT, path, &json, body.to_string()).await;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.body);
        response.body
    }

    /// Posts events.
    pub async fn try_post(&self, events: &Value) -> Response {
        self.send(Method::POST, "/v1/events", &[("content-type", "application/json")], events.to_string())
            .await
    }

    /// Posts events and expects 200, or 422 if nothing was stored because all new events are malformed.
    pub async fn post(&self, events: &Value) -> Value {
        let response = self.try_post(events).await;
        let body = response.body;
        let rejected = body["rejected"].as_array().into_iter().flatten();
        let malformed = rejected
            .filter(|rejected| rejected["code"] == "invalid" || rejected["code"] == "reserved")
            .count();
        let none = body["accepted"] == 0 && body["duplicates"] == 0 && malformed > 0;
        let expected = if none { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        assert_eq!(response.status, expected, "{body}");
        body
    }

    /// Posts events in batches of up to 500, expects that all are accepted, and waits for their aggregation.
    pub async fn record(&self, events: &[Value]) {
        for batch in events.chunks(500) {
            let response = self.post(&json!(batch)).await;
            assert_eq!(response, json!({ "accepted": batch.len(), "duplicates": 0, "rejected": [] }));
        }
        self.stack.drain().await;
    }
}

/// An id as one path segment, with every byte escaped that is not unreserved.
pub fn encoded(id: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    id.bytes().map(byte).collect::<Vec<_>>().concat()
}

/// The location and type of each fault, one per line.
pub fn faults(detail: &Value) -> Vec<String> {
    let line = |fault: &Value| {
        let place: Vec<_> =
            fault["loc"].as_array().unwrap().iter().map(|step| step.to_string().replace('"', "")).collect();
        format!("{} {}", place.join("."), fault["type"].as_str().unwrap())
    };
    detail.as_array().unwrap().iter().map(line).collect()
}
