//! Bodies that are large, deep, cut off or changed at random: a clear answer, nothing lost, and no fault of ours.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use local::tables::table_name;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::logs;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;

use super::recording::{Recording, models, post};
use crate::support::{World, noon};

/// What Lambda passes on, which is less than the 10 MB that API Gateway takes.
const MAX_BYTES: usize = 6 << 20;
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const PROTOBUF: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];
const OTLP: [&str; 3] = ["/otlp/v1/traces", "/otlp/v1/logs", "/otlp/v1/metrics"];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn attribute(key: &str, value: &Value) -> Value {
    json!({ "key": key, "value": value })
}

fn text(text: &str) -> Value {
    json!({ "stringValue": text })
}

/// A call as a span; `more` are further attributes.
fn span(trace: &str, id: &str, end: &str, more: Vec<Value>) -> Value {
    let mut attributes = vec![
        attribute("gen_ai.operation.name", &text("chat")),
        attribute("gen_ai.provider.name", &text("openai")),
        attribute("gen_ai.request.model", &text("gpt-4.1-mini")),
        attribute("gen_ai.usage.input_tokens", &json!({ "intValue": "1000" })),
    ];
    attributes.extend(more);
    json!({ "traceId": trace, "spanId": id, "startTimeUnixNano": end, "endTimeUnixNano": end, "attributes": attributes })
}

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

/// The clock of the system stands at 2026-09-15T12:00:00Z.
const NOW: &str = "1789473600000000000";

fn request(spans: &[Value]) -> String {
    json!({ "resourceSpans": [{
        "resource": { "attributes": [attribute("service.name", &text("app"))] },
        "scopeSpans": [{ "spans": spans }],
    }] })
    .to_string()
}

async fn send(world: &World, spans: &[Value]) -> Value {
    let (status, body) = post(world, OTLP[0], &JSON, request(spans)).await;
    assert_eq!(status, StatusCode::OK, "{body:?}");
    serde_json::from_slice(&body).unwrap()
}

async fn source(world: &World, name: &str) -> Value {
    let sources = world.caller("acme").get("/api/sources").await;
    sources["sources"].as_array().unwrap().iter().find(|source| source["source"] == name).cloned().unwrap()
}

#[tokio::test]
async fn six_mebibytes_are_taken_and_a_byte_more_is_not() {
    let world = World::new().await;
    let padded = |text: &str, size: usize| Bytes::from(format!("{text}{}", " ".repeat(size - text.len())));
    for (path, body) in OTLP.map(|path| (path, "{}")).into_iter().chain([("/v1/intake/litellm", "[]")]) {
        for (size, expected) in [(MAX_BYTES, StatusCode::OK), (MAX_BYTES + 1, StatusCode::PAYLOAD_TOO_LARGE)]
        {
            let plain = padded(body, size);
            let zipped = [JSON[0], ("content-encoding", "gzip")];
            assert_eq!(post(&world, path, &zipped, gzip(&plain)).await.0, expected, "{path} {size} zipped");
            // Not compressed, it is larger than what API Gateway passes on: a function's event holds it as text in JSON.
            let refused = StatusCode::PAYLOAD_TOO_LARGE;
            assert_eq!(post(&world, path, &JSON, plain).await.0, refused, "{path} {size}");
        }
    }
}

#[tokio::test]
async fn a_truncated_gzip_is_final_and_says_so() {
    let world = World::new().await;
    let zipped = gzip(request(&[span(TRACE, "00f067aa0ba902b1", NOW, Vec::new())]).as_bytes());
    let headers = [JSON[0], ("content-encoding", "gzip")];
    for length in [0, 1, 9, zipped.len() / 2, zipped.len() - 9] {
        let (status, body) = post(&world, OTLP[0], &headers, zipped[..length].to_vec()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{length}: {body:?}");
        let (status, _) = post(&world, "/v1/intake/litellm", &headers, zipped[..length].to_vec()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{length}");
    }
    assert_eq!(post(&world, OTLP[0], &headers, zipped).await.0, StatusCode::OK);
}

/// One bad span never takes the others with it, and each is counted where the operator sees it.
#[tokio::test]
async fn bad_spans_are_refused_alone_and_counted() {
    let world = World::new().await;
    let count = |number: &str| vec![attribute("gen_ai.usage.output_tokens", &json!({ "intValue": number }))];
    let spans = [
        span(TRACE, "00f067aa0ba902b1", NOW, Vec::new()),
        span(&TRACE[..30], "00f067aa0ba902b2", NOW, Vec::new()),
        span(TRACE, "00f067aa0ba902b300", NOW, Vec::new()),
        span(TRACE, "0000000000000000", NOW, Vec::new()),
        span(TRACE, "00f067aa0ba902b5", NOW, count("-5")),
        span(TRACE, "00f067aa0ba902b6", NOW, count("9223372036854775807")),
        span(TRACE, "00f067aa0ba902b7", "0", Vec::new()),
        span(TRACE, "00f067aa0ba902b8", "1", Vec::new()),
        span(TRACE, "00f067aa0ba902b9", "18446744073709551615", Vec::new()),
        span(TRACE, "00f067aa0ba902ba", NOW, Vec::new()),
    ];
    let body = send(&world, &spans).await;
    assert_eq!(body["partialSuccess"]["rejectedSpans"], "8", "{body}");
    world.stack.drain().await;
    assert_eq!(models(&world).await, ["openai gpt-4.1-mini 2 2000 0 0.0008"]);
    let source = source(&world, "app").await;
    assert_eq!((&source["accepted"], &source["calls"]), (&json!(2), &json!(2)));
    let refused: u64 =
        source["refused"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(refused, 8, "{source}");
}

#[tokio::test]
async fn a_hundred_thousand_attributes_cost_nobody_the_call() {
    let world = World::new().await;
    let many = (0..100_000).map(|i| attribute(&format!("a{i}"), &json!({ "intValue": i }))).collect();
    let body = send(&world, &[span(TRACE, "00f067aa0ba902b1", NOW, many)]).await;
    assert_eq!(body, json!({}));
    world.stack.drain().await;
    assert_eq!(models(&world).await, ["openai gpt-4.1-mini 1 1000 0 0.0004"]);
}

#[tokio::test]
async fn deep_nesting_is_refused_or_skipped_and_never_overflows() {
    let world = World::new().await;
    let deep = |open: &str, core: &str, close: &str, depth: usize| {
        format!("{}{core}{}", open.repeat(depth), close.repeat(depth))
    };
    let value = deep(r#"{"arrayValue":{"values":["#, r#"{"intValue":1}"#, "]}}", 50_000);
    let spans = request(&[span(TRACE, "00f067aa0ba902b1", NOW, vec![attribute("deep", &text("HERE"))])]);
    let spans = spans.replace(r#"{"stringValue":"HERE"}"#, &value);
    let (status, _) = post(&world, OTLP[0], &JSON, spans).await;
    assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{status}");
    // Protobuf: an array in an array in an array, as attribute values nest.
    let mut nested = Vec::new();
    for _ in 0..5_000 {
        let mut outer = vec![0x0a];
        let mut length = nested.len();
        while length >= 0x80 {
            outer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        outer.push(u8::try_from(length).unwrap());
        outer.extend(&nested);
        nested = outer;
    }
    let (status, _) = post(&world, OTLP[0], &PROTOBUF, nested).await;
    assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{status}");
    // LiteLLM's messages are skipped, however deep they are.
    let messages = deep("[", "1", "]", 100_000);
    let payload = format!(
        r#"[{{"litellm_call_id":"1","model":"gpt-4.1-mini","custom_llm_provider":"openai","prompt_tokens":1000,
            "completion_tokens":0,"startTime":1789473599,"endTime":1789473600,"messages":{messages}}},7]"#
    );
    let (status, body) = post(&world, "/v1/intake/litellm", &JSON, payload).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!((&body["accepted"], body["rejected"].as_array().map(Vec::len)), (&json!(1), Some(1)));
}

/// The first content stands. Exporters cannot do anything about it, so it is no rejection, but the operator sees it.
#[tokio::test]
async fn the_same_span_with_other_content_is_a_conflict_that_sources_show() {
    let world = World::new().await;
    let id = "00f067aa0ba902b1";
    assert_eq!(send(&world, &[span(TRACE, id, NOW, Vec::new())]).await, json!({}));
    let other = vec![attribute("gen_ai.usage.output_tokens", &json!({ "intValue": "7" }))];
    assert_eq!(send(&world, &[span(TRACE, id, NOW, other)]).await, json!({}));
    world.stack.drain().await;
    assert_eq!(models(&world).await, ["openai gpt-4.1-mini 1 1000 0 0.0004"]);
    assert_eq!(source(&world, "app").await["conflicts"], 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Real requests with bytes changed, removed and repeated at random are answered 200 or 400, never by a panic.
    #[test]
    fn changed_requests_are_taken_or_refused(seed in any::<u64>(), sender in 0..4_usize) {
        let recording = Recording::of(["otel", "claude-code", "codex", "ai-sdk"][sender]);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut random = StdRng::seed_from_u64(seed);
        runtime.block_on(async {
            let world = recording.world().await;
            for request in recording.requests.iter().filter(|request| request.path.starts_with("/otlp/")) {
                let mut body = request.body.to_vec();
                for _ in 0..random.random_range(1..8) {
                    let at = random.random_range(0..body.len());
                    match random.random_range(0..4) {
                        0 => body.truncate(at.max(1)),
                        1 => drop(body.remove(at)),
                        2 => body[at] = random.random(),
                        _ => body.insert(at, random.random()),
                    }
                    if body.is_empty() {
                        body.push(0);
                    }
                }
                let headers: &[_] = if request.body.starts_with(b"{") { &JSON } else { &PROTOBUF };
                let (status, answer) = post(&world, &request.path, headers, body).await;
                prop_assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{} {:?}", status, answer);
            }
            Ok(())
        })?;
    }
}

#[derive(Clone)]
struct Pen(Arc<Mutex<Vec<u8>>>);

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The recordings hold prompts and completions with a word that must not be found anywhere afterwards.
#[tokio::test]
async fn prompts_reach_no_table_and_no_log() {
    let lines = Arc::<Mutex<Vec<u8>>>::default();
    let pen = Pen(Arc::clone(&lines));
    let _logged = tracing::subscriber::set_default(logs::subscriber(LevelFilter::TRACE, move || pen.clone()));
    let mut planted = 0;
    for sender in
        ["otel", "openllmetry", "openinference", "ai-sdk", "litellm", "claude-code", "codex", "gemini-cli"]
    {
        let recording = Recording::of(sender);
        let has = |request: &&super::recording::Recorded| contains(&request.body, b"PLANTED");
        planted += recording.requests.iter().filter(has).count();
        let world = recording.world().await;
        recording.send(&world).await;
        for table in ["EventsTable", "UsageTable", "RegistryTable"] {
            #[allow(clippy::disallowed_methods, reason = "everything is searched")]
            let all = world.stack.client().scan().table_name(table_name(table)).send().await.unwrap();
            let text = format!("{:?}", all.items());
            assert!(!text.contains("PLANTED"), "{sender}: {table}");
        }
    }
    assert!(planted > 5, "the recordings hold prompts: {planted}");
    let lines = lines.lock().unwrap();
    assert!(lines.len() > 1_000 && !contains(&lines, b"PLANTED"));
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    let found: BTreeSet<_> = all.windows(part.len()).filter(|window| *window == part).collect();
    !found.is_empty()
}

/// Every instant that `noon` is meant to be in OTLP's nanoseconds.
#[test]
fn the_clock_of_the_system_is_that_of_these_spans() {
    assert_eq!(noon().timestamp_nanos_opt().unwrap().to_string(), NOW);
}
