//! Random and damaged input, where input comes in: bodies of every format, cursors, tokens, paths, stream records and the
//! template. Nothing of it may be a 5xx, a panic, or a response that the document does not describe.
//!
//! These are fuzz targets. `cargo test` tries some inputs of each. More, for ten minutes each:
//!
//! ```text
//! BOLERO_RANDOM_ITERATIONS=1000000000 BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test --workspace --test system random_input
//! ```
//!
//! With `cargo install cargo-bolero` and a nightly toolchain, the same targets are run guided by coverage: `cargo +nightly
//! bolero test -p system-tests --test system random_input::events_of_any_bytes_are_answered`. An input that fails is printed
//! with the seed that repeats it (`BOLERO_RANDOM_SEED`); under cargo-bolero it is kept beside this file.

mod damage;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use axum::body::Bytes;
use http::{Method, Request};
use local::template::Template;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::World;
use crate::support::events::{call, event};
use crate::support::noon;
use damage::Input;

/// Inputs of a target in an ordinary test run.
const ITERATIONS: usize = 64;

/// A runtime, and a world that all inputs of a target are sent to.
struct Target {
    runtime: Runtime,
    world: World,
}

impl Target {
    fn new() -> AssertUnwindSafe<Self> {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(World::new());
        AssertUnwindSafe(Self { runtime, world })
    }

    fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) {
        self.runtime.block_on(send(&self.world, method, path, headers, body));
    }
}

/// One of several, by a random number.
fn one_of<T: Clone>(all: &[T], choice: u8) -> T {
    all[usize::from(choice) % all.len()].clone()
}

/// Checks every input of a type. A macro, since bolero names a target by the place that calls it.
macro_rules! check_inputs {
    ($type:ty, $check:expr) => {{
        let check = AssertUnwindSafe($check);
        bolero::check!()
            .with_type::<$type>()
            .with_iterations(ITERATIONS)
            .with_shrink_time(Duration::from_secs(10))
            .for_each(|input: &$type| (*check)(input.clone()))
    }};
}

/// Sends a request with every scope. It must not be the service's fault, and the response must be JSON.
async fn send(world: &World, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) {
    let mut request = Request::builder().method(method.clone()).uri(path);
    let token = world.stack.token("acme", &web::auth::Scope::ALL).unwrap();
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // What no client can send is not input.
    let Ok(request) = request.body(Bytes::from(body)) else { return };
    let response = world.stack.call(request).await;
    let status = response.status();
    assert!(!status.is_server_error(), "{method} {path}: {status} {:?}", response.body());
    let is_json = response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
    // OTLP answers protobuf with protobuf.
    if status.is_client_error() && (is_json || !path.starts_with("/otlp")) {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let is_otlp = body["code"].is_number();
        assert!(
            is_otlp || body["detail"].is_string() || body["detail"].is_array() || body["rejected"].is_array(),
            "{method} {path}: {status} {:?}",
            response.body()
        );
    }
}

fn golden(end: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("intake/golden");
    let senders = std::fs::read_dir(folder).unwrap().map(|sender| sender.unwrap().path());
    let files =
        senders.flat_map(|sender| std::fs::read_dir(sender).unwrap().map(|file| file.unwrap().path()));
    let files = files.filter(|file| file.to_str().unwrap().ends_with(end));
    files.map(|file| std::fs::read(file).unwrap()).collect()
}

fn events() -> Vec<Value> {
    let time = noon();
    vec![
        call("a", time),
        event(
            "b",
            "task.completed",
            time,
            json!({ "agent_id": "nova", "minutes_saved": "1.5", "success": true }),
        ),
        event(
            "c",
            "agent.activity",
            time,
            json!({ "agent_id": "é/x", "event_type": "t", "details": { "a": [1.5e3] } }),
        ),
        event("d", "host.report", time, json!({ "node_id": "n", "hosted_sites": 3 })),
        event(
            "e",
            "compute.usage",
            time,
            json!({
                "project_id": "p", "instance_id": "i", "from": "2026-09-15T09:00:00Z", "to": "2026-09-15T11:00:00Z",
                "cpu_cores": 3, "ram_gb": "5", "disk_gb": 7, "bandwidth_in_bytes": 11, "bandwidth_out_bytes": 13,
            }),
        ),
    ]
}

#[test]
fn events_of_any_bytes_are_answered() {
    let target = Target::new();
    let single = events().into_iter().map(|event| event.to_string().into_bytes());
    let seeds: Vec<_> = single.chain([json!(events()).to_string().into_bytes()]).collect();
    let kinds = [
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "text/plain",
    ];
    let encodings = ["identity", "identity", "gzip", "br"];
    check_inputs!((Input, u8, u8), |(body, kind, encoding): (Input, u8, u8)| {
        let headers =
            [("content-type", one_of(&kinds, kind)), ("content-encoding", one_of(&encodings, encoding))];
        target.send(Method::POST, "/v1/events", &headers, body.of(&seeds));
    });
}

#[test]
fn telemetry_of_any_bytes_is_answered() {
    let target = Target::new();
    let protobuf = golden(".pb");
    let json: Vec<_> =
        golden("traces.json").into_iter().chain(golden("logs.json")).chain(golden("metrics.json")).collect();
    let paths = ["/otlp/v1/traces", "/otlp/v1/logs", "/otlp/v1/metrics"];
    check_inputs!((Input, u8, bool), |(body, path, is_json): (Input, u8, bool)| {
        let (seeds, kind) =
            if is_json { (&json, "application/json") } else { (&protobuf, "application/x-protobuf") };
        target.send(Method::POST, one_of(&paths, path), &[("content-type", kind)], body.of(seeds));
    });
}

#[test]
fn payloads_of_other_tools_of_any_bytes_are_answered() {
    let target = Target::new();
    let mut seeds = golden("json_array.json");
    seeds.extend(golden("ndjson.json").into_iter().chain(golden("single.json")));
    for response in [
        json!({ "id": "msg_1", "model": "claude-sonnet-4-5", "usage": { "input_tokens": 25, "output_tokens": 1 } }),
        json!({ "id": "c", "created": 1_789_000_000, "model": "gpt-4o", "usage": { "prompt_tokens": 9,
            "completion_tokens": 3, "prompt_tokens_details": { "cached_tokens": 4 } } }),
        json!({ "responseId": "r", "modelVersion": "gemini-2.5-pro", "usageMetadata": { "promptTokenCount": 5 } }),
    ] {
        seeds.push(response.to_string().into_bytes());
    }
    let tools = ["litellm", "openai", "anthropic", "google", "bedrock", "mistral"];
    check_inputs!((Input, u8), |(body, tool): (Input, u8)| {
        let path = format!("/v1/intake/{}", one_of(&tools, tool));
        target.send(Method::POST, &path, &[("content-type", "application/json")], body.of(&seeds));
    });
}

#[test]
fn settings_of_any_bytes_are_answered() {
    let target = Target::new();
    let seeds: Vec<_> = [
        json!({ "name": "é", "status": "online", "cost_budget_monthly": "1.5", "estimated_hours_saved": 1.5e2 }),
        json!({ "monthly": 100, "thresholds": [50, 488.0], "forecast": false }),
        json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": 1, "outputPricePerMillion": "2" }),
        json!({ "url": "https://example.com/hook", "secret": null }),
        json!({ "from": "2026-09-01", "to": "2026-09-15", "model": "m", "dryRun": true, "cursor": null }),
    ]
    .iter()
    .map(|body| body.to_string().into_bytes())
    .collect();
    let routes = [
        (Method::PUT, "/api/agents/x"),
        (Method::PUT, "/api/budget"),
        (Method::PUT, "/api/cost-analysis/pricing/acme/m"),
        (Method::PUT, "/api/alerts/destinations/d"),
        (Method::PUT, "/v1/billing/subscription"),
        (Method::POST, "/api/cost-analysis/reprice"),
        (Method::POST, "/api/keys"),
    ];
    check_inputs!((Input, u8), |(body, route): (Input, u8)| {
        let (method, path) = one_of(&routes, route);
        target.send(method, path, &[("content-type", "application/json")], body.of(&seeds));
    });
}

#[test]
fn any_text_is_a_cursor_or_refused() {
    let target = Target::new();
    let seeds = ["MABub3Zh", "OTkuNQBub3Zh", "MABvcGVuYWkAZ3B0LTRv", ""];
    let paths = [
        "/api/agents",
        "/api/cost-analysis/agents",
        "/api/cost-analysis/pricing",
        "/api/activity",
        "/v1/metrics/models",
        "/api/usage/totals",
        "/api/cost-analysis/recommendations",
        "/api/alerts/destinations",
    ];
    check_inputs!((Input, u8, Option<u16>), |(cursor, path, limit): (Input, u8, Option<u16>)| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("cursor", &cursor.text(&seeds));
        query.append_pair("limit", &limit.map(|limit| limit.to_string()).unwrap_or_default());
        let path = format!("{}?{}", one_of(&paths, path), query.finish());
        target.send(Method::GET, &path, &[], Vec::new());
    });
}

#[test]
fn any_text_is_a_token_or_refused() {
    let target = Target::new();
    let bearer = format!("Bearer {}", target.world.stack.token("acme", &web::auth::Scope::ALL).unwrap());
    check_inputs!(Input, |header: Input| {
        let header = header.text(&[&bearer, "Bearer flk_abc", "Basic eDp5"]);
        target.send(Method::GET, "/v1/metrics/summary", &[("authorization", &header)], Vec::new());
    });
}

#[test]
fn any_path_and_query_is_answered() {
    let target = Target::new();
    let seeds = [
        "/api/agents/x%2Fy?limit=1&cursor=MABh",
        "/api/projects/a/b/usage?period=daily&start_date=2026-09-01T00:00:00Z",
        "/api/cost-analysis/pricing/openai/gpt-4o?effectiveFrom=2026-09-01",
        "/v1/metrics/summary?days=7&format=csv",
        "/api/activity?agentId=nova&from=2026-09-01T00%3A00%3A00Z&offset=3",
        "/api/alerts/destinations/d%2E/test",
    ];
    // A response to HEAD has no body to look at.
    let methods = [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS];
    check_inputs!((Input, u8), |(path, method): (Input, u8)| {
        let json = [("content-type", "application/json")];
        target.send(one_of(&methods, method), &path.text(&seeds), &json, b"{}".to_vec());
    });
}

#[test]
fn stream_records_of_any_form_do_not_stop_the_aggregator() {
    let target = Target::new();
    let file =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/aggregator.json")).unwrap();
    let seeds = [file];
    check_inputs!(Input, |input: Input| {
        let Ok(delivery) = serde_json::from_slice::<Value>(&input.of(&seeds)) else { return };
        let handled = target.runtime.block_on(async {
            tokio::time::timeout(Duration::from_mins(1), target.world.stack.invoke("aggregator", delivery))
                .await
        });
        let failure = handled.expect("the aggregator hangs").err().map(|error| error.to_string());
        assert!(!failure.as_ref().is_some_and(|text| text.contains("panicked")), "{failure:?}");
    });
}

#[test]
fn a_template_of_any_bytes_is_read_or_refused() {
    let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")).unwrap();
    let seeds = [file];
    check_inputs!(Input, |input: Input| {
        let _ = Template::read(&String::from_utf8_lossy(&input.of(&seeds)));
    });
}
