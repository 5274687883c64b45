use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use web::route::Endpoint;

use super::*;

async fn ask(stack: &Stack, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let token = stack.token("acme", &Scope::ALL).unwrap();
    let request =
        Request::builder().method(method).uri(path).header(AUTHORIZATION, format!("Bearer {token}"));
    let request = request.header(CONTENT_TYPE, "application/json");
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let response = stack.call(request.body(body).unwrap()).await;
    (response.status(), serde_json::from_slice(response.body()).unwrap())
}

/// Sends one call of 1,000 tokens, at 1.00 USD per million.
async fn send(stack: &Stack, id: &str) {
    let event = json!([{
        "specversion": "1.0", "id": id, "source": "test", "type": "llm.call",
        "time": stack.clock().now().to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": { "agent_id": "a", "provider": "anthropic", "model": "claude-haiku-4-5",
                  "input_tokens": 1000, "output_tokens": 0 },
    }]);
    let (status, body) = ask(stack, "POST", "/v1/events", Some(event)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["accepted"].as_u64().unwrap() + body["duplicates"].as_u64().unwrap(), 1, "{body}");
}

async fn requests(stack: &Stack) -> Value {
    ask(stack, "GET", "/v1/metrics/summary", None).await.1["total_requests"].clone()
}

/// A stack whose clock, streams and schedules move only when the test tells them to.
fn by_hand(data: Option<&Path>) -> Options {
    Options {
        data: data.map(Path::to_owned),
        clock: Clock::fixed("2031-05-06T07:08:09Z".parse().unwrap()),
        secret: vec![7; 32],
        background: false,
        ..Options::default()
    }
}

async fn start_error(options: Options) -> String {
    Stack::start(options).await.err().unwrap().to_string()
}

#[test]
fn the_template_and_the_code_have_the_same_routes() {
    let template = Template::built_in().unwrap();
    for function in template.functions.iter().filter(|function| !function.routes.is_empty()) {
        assert!(function.routes.iter().all(|route| route.method == "ANY"), "{}", function.id);
        let named = function.routes.iter().filter(|route| !route.is_default());
        let deployed: BTreeSet<_> = named.map(|route| route.path.clone()).collect();
        let implemented = wiring::endpoints(&function.binary).unwrap();
        let implemented: BTreeSet<_> = implemented.iter().flat_map(Endpoint::gateway_paths).collect();
        assert_eq!(deployed, implemented, "{}", function.id);
    }
}

#[tokio::test]
async fn an_event_is_in_the_metrics_soon() {
    let stack = Stack::start(Options::default()).await.unwrap();
    assert!(stack.is_new());
    send(&stack, "1").await;
    let sent = Instant::now();
    while requests(&stack).await != 1 {
        assert!(sent.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_restart_aggregates_the_rest_and_counts_each_event_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let stack = Stack::start(by_hand(Some(data))).await.unwrap();
    send(&stack, "1").await;
    stack.drain().await;
    send(&stack, "2").await;
    assert_eq!(requests(&stack).await, 1);
    assert!(start_error(by_hand(Some(data))).await.contains("in use"));
    stack.stop().await;

    let stack = Stack::start(by_hand(Some(data))).await.unwrap();
    assert!(!stack.is_new());
    send(&stack, "2").await;
    stack.drain().await;
    stack.redeliver().await;
    assert_eq!(requests(&stack).await, 2);
    stack.stop().await;
}

#[tokio::test]
async fn another_endpoint_replaces_the_engine() {
    let (engine, _, _folder) = crate::testing::engine();
    let elsewhere = || Options { dynamodb: Some(engine.endpoint().to_owned()), ..by_hand(None) };
    let stack = Stack::start(elsewhere()).await.unwrap();
    send(&stack, "1").await;
    stack.drain().await;
    stack.stop().await;
    let stack = Stack::start(elsewhere()).await.unwrap();
    stack.drain().await;
    assert_eq!(requests(&stack).await, 1);
    for bad in ["", "localhost:8000", "ftp://x", "http://"] {
        assert!(
            start_error(Options { dynamodb: Some(bad.to_owned()), ..by_hand(None) })
                .await
                .contains("not an endpoint")
        );
    }
}

#[tokio::test]
async fn metrics_follow_the_business_clock() {
    let stack = Stack::start(by_hand(None)).await.unwrap();
    send(&stack, "1").await;
    stack.drain().await;
    assert_eq!(requests(&stack).await, 1);
    stack.clock().set(stack.clock().now() + chrono::Duration::days(40));
    assert_eq!(requests(&stack).await, 0);
}

#[tokio::test]
async fn schedules_run_until_the_stack_stops() {
    let often = Options { longest_rate: Duration::from_millis(5), ..Options::default() };
    let stack = Stack::start(often).await.unwrap();
    let timers = stack.timers.clone();
    let template = Template::built_in().unwrap();
    let schedules: Vec<_> = template.functions.iter().flat_map(|function| &function.schedules).collect();
    assert!(!schedules.is_empty() && timers.len() == schedules.len());
    let called = || timers.iter().filter(|timer| timer.calls() > 2).count();
    let all = async {
        while called() < timers.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.unwrap();
    stack.stop().await;
    let calls = || timers.iter().map(Timer::calls).sum::<u64>();
    let before = calls();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(calls(), before);
}

#[tokio::test]
async fn a_stack_without_background_runs_no_schedules() {
    let by_hand = Options { longest_rate: Duration::from_millis(1), ..by_hand(None) };
    let stack = Stack::start(by_hand).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stack.timers.iter().all(|timer| timer.calls() == 0));
}

#[tokio::test]
async fn a_function_is_invoked_by_name() {
    let stack = Stack::start(by_hand(None)).await.unwrap();
    for name in ["aggregator", "AggregatorFunction"] {
        let response =
            stack.invoke(name, json!({ "Records": [], "shardId": "s", "eventSourceARN": "a" })).await;
        assert_eq!(response.unwrap()["batchItemFailures"], json!([]));
        let error = stack.invoke(name, json!({})).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name} failed: ")), "{error}");
    }
    // Functions with routes are invoked by Lambda's API alone.
    for name in ["metrics", "MetricsFunction", "nothing", ""] {
        let error = stack.invoke(name, json!({})).await.unwrap_err().to_string();
        assert!(
            error.ends_with("there are: aggregator budget-alerts completeness exporter reconcile"),
            "{error}"
        );
    }
    let request =
        Request::post("/2015-03-31/functions/aggregator/invocations").body(Bytes::from_static(b"{}"));
    let response = stack.call(request.unwrap()).await;
    assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
}

#[tokio::test]
async fn every_function_is_invoked_with_its_file_in_events() {
    let stack = Stack::start(by_hand(None)).await.unwrap();
    let token = stack.token("acme", &web::auth::Scope::ALL).unwrap();
    let events = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    for function in Template::built_in().unwrap().functions {
        let text = std::fs::read_to_string(format!("{events}/{}.json", function.binary)).unwrap();
        let payload = Bytes::from(text.replace("<token>", &token));
        for name in [&function.binary, &function.id] {
            let request = Request::post(format!("/2015-03-31/functions/{name}/invocations"));
            let response = stack.call(request.body(payload.clone()).unwrap()).await;
            assert_eq!(response.status(), 200, "{name}");
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert!(!response.headers().contains_key("x-amz-function-error"), "{name}: {body}");
            let status = body["statusCode"].as_u64();
            // The events of ingest and intake are older than the clock of this stack allows.
            let old = ["ingest", "intake"].contains(&&*function.binary);
            assert!(function.routes.is_empty() || status == Some(200) || old, "{name}: {body}");
        }
    }
}
