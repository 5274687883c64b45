//! Random and damaged input, where input comes in: bodies of every format, cursors, tokens, paths, stream records and the
//! template. Nothing of it may be a 5xx, a panic, or a response that the document does not describe. For longer runs set
//! `PROPTEST_CASES`; the failures that are found are kept in `proptest-regressions`.

use std::path::Path;
use std::time::Duration;

use axum::body::Bytes;
use http::{Method, Request};
use local::template::Template;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::World;
use crate::support::events::{call, event};
use crate::support::noon;

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// Repeats a part elsewhere.
    Copy(Index, Index, usize),
}

/// What parsers stumble over.
fn spike() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"null",
        b"-1",
        b"1e400",
        b"18446744073709551616",
        b"\"\"",
        b"[]",
        b"{}",
        b"\\ud800",
        b"\xff",
        b"\x00",
        b"[[[[",
        b"\xef\xbb\xbf",
        b"%2F",
        b"..",
        b"#",
        b"'",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    ];
    prop_oneof![
        prop::sample::select(words).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..8)
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        (any::<Index>(), spike()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<Index>(), any::<Index>(), 1..60_usize).prop_map(|(from, to, n)| Damage::Copy(from, to, n)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
    match damage {
        Damage::Set(at, byte) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Damage::Flip(at, bit) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] ^= bit;
        }
        Damage::Insert(at, more) => {
            let at = place(at, bytes);
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Remove(at, length) => {
            let at = place(at, bytes);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Damage::Copy(from, to, length) => {
            let (from, to) = (place(from, bytes), place(to, bytes));
            let part = bytes[from..(from + length).min(bytes.len())].to_vec();
            bytes.splice(to..to, part);
        }
        _ => {}
    }
}

/// One of `seeds`, damaged; sometimes only random bytes.
fn damaged(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed =
        (prop::sample::select(seeds), prop::collection::vec(damage(), 0..6)).prop_map(|(mut seed, all)| {
            for damage in &all {
                apply(&mut seed, damage);
            }
            seed
        });
    prop_oneof![9 => changed, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn text(seeds: &[String]) -> impl Strategy<Value = String> + use<> {
    let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    damaged(seeds).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Tries `input` in a world, in as many cases as `PROPTEST_CASES` says, or 64.
fn run<S: Strategy>(input: S, check: impl AsyncFn(&World, S::Value) -> Result<(), TestCaseError>) {
    let default = Config::default();
    // proptest's own default would take minutes here.
    let cases = if default.cases == 256 { 64 } else { default.cases };
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let mut runner = TestRunner::new(Config { cases, max_shrink_iters: 2_000, ..default });
    let outcome = runner.run(&input, |input| runtime.block_on(check(&world, input)));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Sends a request with every scope. It must not be the service's fault, and the response must be JSON.
async fn send(
    world: &World,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<(), TestCaseError> {
    let mut request = Request::builder().method(method.clone()).uri(path);
    let token = world.stack.token("acme", &web::auth::Scope::ALL).unwrap();
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // What no client can send is not input.
    let Ok(request) = request.body(Bytes::from(body)) else { return Ok(()) };
    let response = world.stack.call(request).await;
    let status = response.status();
    prop_assert!(!status.is_server_error(), "{method} {path}: {status} {:?}", response.body());
    let is_json = response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
    // OTLP answers protobuf with protobuf.
    if status.is_client_error() && (is_json || !path.starts_with("/otlp")) {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let is_otlp = body["code"].is_number();
        prop_assert!(
            is_otlp || body["detail"].is_string() || body["detail"].is_array() || body["rejected"].is_array(),
            "{method} {path}: {status} {:?}",
            response.body()
        );
    }
    Ok(())
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
    let single = events().into_iter().map(|event| event.to_string().into_bytes());
    let seeds = single.chain([json!(events()).to_string().into_bytes()]).collect();
    let kinds = [
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "text/plain",
    ];
    let encodings = prop::sample::select(vec!["identity", "identity", "gzip", "br"]);
    run(
        (damaged(seeds), prop::sample::select(kinds.to_vec()), encodings),
        async |world, (body, kind, encoding)| {
            let headers = [("content-type", kind), ("content-encoding", encoding)];
            send(world, Method::POST, "/v1/events", &headers, body).await
        },
    );
}

#[test]
fn telemetry_of_any_bytes_is_answered() {
    let protobuf = golden(".pb");
    let json: Vec<_> =
        golden("traces.json").into_iter().chain(golden("logs.json")).chain(golden("metrics.json")).collect();
    let path = prop::sample::select(vec!["/otlp/v1/traces", "/otlp/v1/logs", "/otlp/v1/metrics"]);
    let body = prop_oneof![
        damaged(protobuf).prop_map(|body| (body, "application/x-protobuf")),
        damaged(json).prop_map(|body| (body, "application/json")),
    ];
    run((path, body), async |world, (path, (body, kind))| {
        send(world, Method::POST, path, &[("content-type", kind)], body).await
    });
}

#[test]
fn payloads_of_other_tools_of_any_bytes_are_answered() {
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
    run((damaged(seeds), prop::sample::select(tools.to_vec())), async |world, (body, tool)| {
        let path = format!("/v1/intake/{tool}");
        send(world, Method::POST, &path, &[("content-type", "application/json")], body).await
    });
}

#[test]
fn settings_of_any_bytes_are_answered() {
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
    let routes = prop::sample::select(vec![
        (Method::PUT, "/api/agents/x"),
        (Method::PUT, "/api/budget"),
        (Method::PUT, "/api/cost-analysis/pricing/acme/m"),
        (Method::PUT, "/api/alerts/destinations/d"),
        (Method::PUT, "/v1/billing/subscription"),
        (Method::POST, "/api/cost-analysis/reprice"),
        (Method::POST, "/api/keys"),
    ]);
    run((routes, damaged(seeds)), async |world, ((method, path), body)| {
        send(world, method, path, &[("content-type", "application/json")], body).await
    });
}

#[test]
fn any_text_is_a_cursor_or_refused() {
    let seeds = ["MABub3Zh", "OTkuNQBub3Zh", "MABvcGVuYWkAZ3B0LTRv", ""].map(str::to_owned);
    let paths = prop::sample::select(vec![
        "/api/agents",
        "/api/cost-analysis/agents",
        "/api/cost-analysis/pricing",
        "/api/activity",
        "/v1/metrics/models",
        "/api/usage/totals",
        "/api/cost-analysis/recommendations",
    ]);
    run((paths, text(&seeds), "[0-9]{0,6}"), async |world, (path, cursor, limit)| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("cursor", &cursor).append_pair("limit", &limit);
        send(world, Method::GET, &format!("{path}?{}", query.finish()), &[], Vec::new()).await
    });
}

#[test]
fn any_text_is_a_token_or_refused() {
    let runtime = Runtime::new().unwrap();
    let token =
        runtime.block_on(async { World::new().await.stack.token("acme", &web::auth::Scope::ALL).unwrap() });
    let header = text(&[format!("Bearer {token}"), "Bearer flk_abc".to_owned(), "Basic eDp5".to_owned()]);
    run(header, async |world, header| {
        send(world, Method::GET, "/v1/metrics/summary", &[("authorization", &header)], Vec::new()).await
    });
}

#[test]
fn any_path_and_query_is_answered() {
    let seeds = [
        "/api/agents/x%2Fy?limit=1&cursor=MABh",
        "/api/projects/a/b/usage?period=daily&start_date=2026-09-01T00:00:00Z",
        "/api/cost-analysis/pricing/openai/gpt-4o?effectiveFrom=2026-09-01",
        "/v1/metrics/summary?days=7&format=csv",
        "/api/activity?agentId=nova&from=2026-09-01T00%3A00%3A00Z&offset=3",
        "/api/alerts/destinations/d%2E/test",
    ]
    .map(str::to_owned);
    let methods =
        prop::sample::select(vec![Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS]);
    run((methods, text(&seeds)), async |world, (method, path)| {
        // A response to HEAD has no body to look at.
        let method = if method == Method::HEAD && !path.starts_with("/v1") { Method::GET } else { method };
        if method == Method::HEAD {
            return Ok(());
        }
        send(world, method, &path, &[("content-type", "application/json")], b"{}".to_vec()).await
    });
}

#[test]
fn stream_records_of_any_form_do_not_stop_the_aggregator() {
    let file =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/aggregator.json")).unwrap();
    run(damaged(vec![file]), async |world, bytes| {
        let Ok(delivery) = serde_json::from_slice::<Value>(&bytes) else { return Ok(()) };
        let handled =
            tokio::time::timeout(Duration::from_mins(1), world.stack.invoke("aggregator", delivery)).await;
        let failure = handled.expect("the aggregator hangs").err().map(|error| error.to_string());
        prop_assert!(!failure.as_ref().is_some_and(|text| text.contains("panicked")), "{failure:?}");
        Ok(())
    });
}

#[test]
fn a_template_of_any_bytes_is_read_or_refused() {
    let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")).unwrap();
    run(damaged(vec![file]), async |_, bytes| {
        let _ = Template::read(&String::from_utf8_lossy(&bytes));
        Ok(())
    });
}
