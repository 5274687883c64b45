//! Logs name the caller, the route and the status of each request, and contain nothing confidential.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Method, Request, StatusCode};
use ledger::event::compact;
use local::template::Template;
use runtime::logs::{self, WORKSPACE_CRATES};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use web::auth::Scope;

use crate::support::events::{call, event};
use crate::support::tables::{self, Tables, aggregator_at_noon, deliver};
use crate::support::{World, noon, response_of};

/// Part of everything that must not be logged.
const SECRET: &str = "zebra";

/// The log lines written by this thread, as long as this lives.
struct Log(
    Arc<Mutex<Vec<u8>>>,
    #[allow(dead_code, reason = "dropped together with the lines")] tracing::subscriber::DefaultGuard,
);

#[derive(Clone)]
struct Pen(Arc<Mutex<Vec<u8>>>);

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn at(level: LevelFilter) -> Self {
        let bytes = Arc::default();
        let pen = Pen(Arc::clone(&bytes));
        Self(bytes, tracing::subscriber::set_default(logs::subscriber(level, move || pen.clone())))
    }

    /// The lines since the last call.
    fn lines(&self) -> Vec<Value> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }
}

/// The value of `name` in the spans of a line.
fn in_spans<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    line["spans"].as_array()?.iter().find_map(|span| span[name].as_str())
}

/// The lines of responses: organization, method, route, status.
fn responses(lines: &[Value]) -> Vec<(Option<String>, String, String, u64)> {
    let answered = lines.iter().filter(|line| line["message"] == "answered");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = answered.map(|line| {
        let org = in_spans(line, "org").map(str::to_owned);
        (org, text(&line["method"]), text(&line["route"]), line["status"].as_u64().unwrap())
    });
    parts.collect()
}

#[tokio::test]
async fn each_request_is_logged_without_its_content() {
    let world = World::new().await;
    let log = Log::at(LevelFilter::TRACE);
    let (json, caller) = ([("content-type", "application/json")], world.caller("acme"));
    let forged = {
        let token = world.stack.token("acme", &Scope::ALL).unwrap();
        format!("{}.{SECRET}", token.rsplit_once('.').unwrap().0)
    };
    let weak = world.stack.token("weak", &[Scope::MetricsRead]).unwrap();
    let mut bad = call("2", noon());
    bad["data"]["input_tokens"] = json!(SECRET);
    let details = json!({ "agent_id": SECRET, "event_type": SECRET, "details": { "password": SECRET } });
    let events = json!([event(SECRET, "agent.activity", noon(), details), bad]).to_string();
    let webhook = json!({ "url": format!("https://{SECRET}.example/{SECRET}") }).to_string();
    let requests = [
        (&caller, Method::POST, "/v1/events".to_owned(), events, 200),
        (&caller, Method::POST, "/v1/events".to_owned(), format!("[{{\"{SECRET}\""), 422),
        (&caller, Method::PUT, format!("/api/alerts/destinations/{SECRET}"), webhook, 200),
        (&caller, Method::PUT, format!("/api/agents/{SECRET}"), json!({ "status": SECRET }).to_string(), 422),
        (
            &caller,
            Method::GET,
            format!("/v1/metrics/summary?days={SECRET}&{SECRET}={SECRET}"),
            String::new(),
            422,
        ),
        (&caller, Method::GET, format!("/api/activity?cursor={SECRET}"), String::new(), 422),
        (&caller, Method::GET, format!("/api/agents/a/{SECRET}"), String::new(), 404),
        (&caller, Method::GET, format!("/v1/{SECRET}"), String::new(), 404),
        (&caller, Method::DELETE, "/v1/metrics/summary".to_owned(), String::new(), 405),
        (&world.bearer(&forged), Method::GET, "/api/activity".to_owned(), String::new(), 401),
        (&world.bearer(SECRET), Method::GET, "/api/activity".to_owned(), String::new(), 401),
        (&world.anonymous(), Method::GET, format!("/api/agents/{SECRET}"), String::new(), 401),
        (&world.bearer(&weak), Method::GET, format!("/api/agents/{SECRET}"), String::new(), 403),
        (&world.anonymous(), Method::GET, "/v1/health".to_owned(), String::new(), 200),
    ];
    let mut all = Vec::new();
    for (caller, method, path, body, status) in requests {
        let response = caller.send(method, &path, &json, body).await;
        assert_eq!(response.status.as_u16(), status, "{path}: {}", response.body);
        let lines = log.lines();
        let id = response.headers.get("apigw-requestid").map(|id| id.to_str().unwrap());
        // Each line has the request id.
        for line in &lines {
            assert_eq!((in_spans(line, "requestId"), in_spans(line, "apiRequestId")), (id, id), "{line}");
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        }
        all.extend(lines);
    }
    let line = |org: Option<&str>, method: &str, route: &str, status| {
        (org.map(str::to_owned), method.to_owned(), route.to_owned(), status)
    };
    let acme = Some("acme");
    assert_eq!(
        responses(&all),
        [
            line(acme, "POST", "/v1/events", 200),
            line(acme, "POST", "/v1/events", 422),
            line(acme, "PUT", "/api/alerts/destinations/{id}", 200),
            line(acme, "PUT", "/api/agents/{id}", 422),
            line(acme, "GET", "/v1/metrics/summary", 422),
            line(acme, "GET", "/api/activity", 422),
            line(acme, "GET", "/api/agents/{id}", 404),
            line(None, "GET", "", 404),
            line(None, "DELETE", "/v1/metrics/summary", 405),
            line(None, "GET", "/api/activity", 401),
            line(None, "GET", "/api/activity", 401),
            line(None, "GET", "/api/agents/{id}", 401),
            line(Some("weak"), "GET", "/api/agents/{id}", 403),
            line(None, "GET", "/v1/health", 200),
        ]
    );
    // There are more lines than these, with the reasons of rejections.
    assert!(all.len() > 20, "{all:?}");
    world.stack.drain().await;
    all.extend(log.lines());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let (header, claims) = (token.split('.').next().unwrap(), token.split('.').nth(1).unwrap());
    for line in all {
        let text = line.to_string();
        for secret in [SECRET, header, claims, "Bearer"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn a_storage_failure_is_logged_with_the_organization() {
    let world = World::new().await;
    let config = world.stack.client().config().to_builder();
    let nowhere = config.endpoint_url("http://127.0.0.1:1").retry_config(RetryConfig::disabled()).build();
    let router = world.app(aws_sdk_dynamodb::Client::from_conf(nowhere)).router(metrics::routes());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::get("/v1/metrics/summary").header("authorization", format!("Bearer {token}"));
    // At this level the response itself is not logged.
    let log = Log::at(LevelFilter::WARN);
    let (status, _) = response_of(router, request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let lines = log.lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["level"], in_spans(line, "org")), (&json!("WARN"), Some("acme")));
    assert!(line["error"].as_str().unwrap().contains("Query"), "{line}");
}

#[tokio::test]
async fn a_malformed_record_is_logged_without_its_content() {
    let tables = Tables::new().await;
    let event = tables::call(1, "nova", "m", "0.01", noon());
    let mut malformed = tables::record(&event, "7");
    let data = &mut malformed["dynamodb"]["NewImage"]["d"]["B"];
    // The payload becomes JSON of a type that is not known.
    let mut bytes = BASE64.decode(data.as_str().unwrap()).unwrap();
    bytes.truncate(bytes.len() - compact::encode(&event.data, event.source.as_str()).unwrap().len());
    bytes.push(0);
    bytes.extend(json!({ "type": SECRET }).to_string().into_bytes());
    let encoded = BASE64.encode(bytes);
    *data = json!(encoded);
    let log = Log::at(LevelFilter::TRACE);
    deliver(&aggregator_at_noon(tables.of()), "shardId-1", &[malformed]).await;
    let lines = log.lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(
        (&line["message"], &line["sequence_number"]),
        (&json!("records were quarantined"), &json!("7"))
    );
    assert!(!line.to_string().contains(SECRET), "{line}");
    let kept = tables::quarantined(&tables.store().usage).await.remove(0);
    assert!(kept.reason.contains(SECRET) && kept.record.contains(&encoded));
}

#[tokio::test]
async fn each_line_of_a_delivery_has_its_request_id() {
    let world = World::new().await;
    world.caller("acme").post(&json!([call("1", noon())])).await;
    // The item of the lanes is malformed, so the aggregator logs that it cannot update it.
    let lanes = store::keys::status::lanes();
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let mut put = world.stack.client().put_item().table_name(tables::names().usage);
    put = put.item("pk", text(&lanes.pk)).item("sk", text(&lanes.sk));
    for lane in 0..store::keys::LANES {
        put = put.item(store::keys::status::lane_column(lane), text("noon"));
    }
    put.send().await.unwrap();
    let log = Log::at(LevelFilter::TRACE);
    world.stack.drain().await;
    let lines = log.lines();
    assert!(!lines.is_empty() && lines.iter().all(|line| in_spans(line, "requestId").is_some()), "{lines:?}");
}

#[test]
fn libraries_log_from_info_on_and_every_function_counts_as_ours() {
    for function in Template::built_in().unwrap().functions {
        let name = function.binary.replace('-', "_");
        assert!(
            WORKSPACE_CRATES.contains(&name.as_str()),
            "{name} is missing in runtime::logs::WORKSPACE_CRATES"
        );
    }
    let log = Log::at(LevelFilter::TRACE);
    tracing::trace!(target: "store", "ours");
    tracing::trace!(target: "storefront", "a library's");
    tracing::debug!(target: "aws_smithy_runtime::client", "a request");
    tracing::info!(target: "aws_config", "a profile");
    let lines = log.lines();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["ours", "a profile"]);
}
