//! Events a second and CPU time per event of each format, beside plain CloudEvents. Prints the figures of infra/README.md.

use std::fs;
use std::time::{Duration, Instant};

use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Value, json};

use super::recording::post;
use crate::support::{World, noon};

const EVENTS: usize = 500;
const REQUESTS: usize = 20;
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const PROTOBUF: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];

/// The CPU time that this process has used, all threads together.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time in hundredths of a second: fields 14 and 15 of proc(5), two of which are cut off.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

fn nanos() -> String {
    noon().timestamp_nanos_opt().unwrap().to_string()
}

fn cloud_event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "app", "type": "llm.call", "time": "2026-09-15T12:00:00Z",
        "data": { "agent_id": "nova", "provider": "openai", "model": "gpt-4.1-mini", "input_tokens": 176,
            "cache_read_tokens": 1024, "output_tokens": 300, "latency_ms": 800, "session_id": "s-1" },
    })
}

/// The attributes of a span by name: a text or a count.
fn attributes(prompt: &str) -> [(&'static str, Result<u64, &str>); 9] {
    [
        ("gen_ai.operation.name", Err("chat")),
        ("gen_ai.provider.name", Err("openai")),
        ("gen_ai.response.model", Err("gpt-4.1-mini")),
        ("gen_ai.agent.name", Err("nova")),
        ("gen_ai.conversation.id", Err("s-1")),
        ("gen_ai.usage.input_tokens", Ok(1200)),
        ("gen_ai.usage.cache_read.input_tokens", Ok(1024)),
        ("gen_ai.usage.output_tokens", Ok(300)),
        ("gen_ai.input.messages", Err(prompt)),
    ]
}

const TRACE: u128 = 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c;

fn span(number: usize, prompt: &str) -> Value {
    let attributes = attributes(prompt).map(|(key, value)| {
        let value = match value {
            Ok(count) => json!({ "intValue": count.to_string() }),
            Err(text) => json!({ "stringValue": text }),
        };
        json!({ "key": key, "value": value })
    });
    json!({
        "traceId": format!("{TRACE:032x}"), "spanId": format!("{:016x}", number + 1), "name": "chat gpt-4.1-mini",
        "startTimeUnixNano": nanos(), "endTimeUnixNano": nanos(), "attributes": attributes,
    })
}

/// A field of a protobuf message that has a length.
fn field(tag: u32, content: &[u8], buffer: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    encode_varint(content.len() as u64, buffer);
    buffer.extend_from_slice(content);
}

/// The same span as [`span`], as a message of `opentelemetry/proto/trace/v1/trace.proto`.
fn binary_span(number: usize, prompt: &str) -> Vec<u8> {
    let mut span = Vec::new();
    field(1, &TRACE.to_be_bytes(), &mut span);
    field(2, &(number as u64 + 1).to_be_bytes(), &mut span);
    field(5, b"chat gpt-4.1-mini", &mut span);
    for tag in [7, 8] {
        encode_key(tag, WireType::SixtyFourBit, &mut span);
        span.extend_from_slice(&nanos().parse::<u64>().unwrap().to_le_bytes());
    }
    for (key, value) in attributes(prompt) {
        let (mut attribute, mut any) = (Vec::new(), Vec::new());
        match value {
            Ok(count) => {
                encode_key(3, WireType::Varint, &mut any);
                encode_varint(count, &mut any);
            }
            Err(text) => field(1, text.as_bytes(), &mut any),
        }
        field(1, key.as_bytes(), &mut attribute);
        field(2, &any, &mut attribute);
        field(9, &attribute, &mut span);
    }
    span
}

/// A request of spans: `resource_spans` of `scope_spans` of `spans`.
fn binary(spans: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
    spans.for_each(|span| field(2, &span, &mut scope));
    field(2, &scope, &mut resource);
    field(1, &resource, &mut request);
    request
}

fn payload(id: &str, prompt: &str) -> Value {
    json!({
        "litellm_call_id": id, "model": "gpt-4.1-mini", "custom_llm_provider": "openai", "prompt_tokens": 1200,
        "completion_tokens": 300, "response_cost": "0.0006528", "startTime": 1_789_473_599.2, "endTime": 1_789_473_600,
        "status": "success", "messages": [{ "role": "user", "content": prompt }],
        "metadata": { "user_api_key_alias": "nova", "usage_object": { "prompt_tokens_details": { "cached_tokens": 1024 } } },
    })
}

fn response(id: &str) -> Value {
    json!({
        "id": id, "model": "gpt-4.1-mini", "created": 1_789_473_600,
        "usage": { "prompt_tokens": 1200, "completion_tokens": 300, "prompt_tokens_details": { "cached_tokens": 1024 } },
    })
}

/// The body of a request with events of numbers that no other request has.
fn body(format: &str, first: usize) -> Vec<u8> {
    let prompt = "word ".repeat(400);
    let numbers = first..first + EVENTS;
    let list = |one: &dyn Fn(usize) -> Value| {
        Value::from(numbers.clone().map(one).collect::<Vec<_>>()).to_string().into_bytes()
    };
    match format {
        "CloudEvents" => list(&|i| cloud_event(&i.to_string())),
        "LiteLLM" => list(&|i| payload(&i.to_string(), &prompt)),
        "provider's response" => list(&|i| response(&format!("chatcmpl-{i}"))),
        "OTLP as protobuf" => binary(numbers.map(|i| binary_span(i, &prompt))),
        _ => {
            let spans: Vec<_> = numbers.map(|i| span(i, &prompt)).collect();
            json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string().into_bytes()
        }
    }
}

#[tokio::test]
#[ignore = "prints the figures of infra/README.md: cargo test --workspace --test system --release -- --ignored --nocapture throughput"]
async fn events_a_second_and_cpu_per_event() {
    for (format, path) in [
        ("CloudEvents", "/v1/events"),
        ("OTLP as JSON", "/otlp/v1/traces"),
        ("OTLP as protobuf", "/otlp/v1/traces"),
        ("LiteLLM", "/v1/intake/litellm"),
        ("provider's response", "/v1/intake/openai?agent_id=nova"),
    ] {
        let content_type = if format == "OTLP as protobuf" { PROTOBUF } else { JSON };
        let world = World::new().await;
        let bodies: Vec<_> = (0..=REQUESTS).map(|request| body(format, request * EVENTS)).collect();
        let (mut started, mut used) = (Instant::now(), cpu());
        for (request, body) in bodies.into_iter().enumerate() {
            if request == 1 {
                // The first request warms up.
                (started, used) = (Instant::now(), cpu());
            }
            let (status, answer) = post(&world, path, &content_type, body).await;
            assert_eq!(status, http::StatusCode::OK, "{format}: {answer:?}");
            // A partial success would say that spans were rejected.
            assert!(content_type == JSON || answer.is_empty(), "{answer:?}");
        }
        let events = u32::try_from(REQUESTS * EVENTS).unwrap();
        let (wall, cpu) = (started.elapsed(), cpu().saturating_sub(used));
        println!(
            "{format}: {} events a second, {} µs of CPU per event, with prompts of 2,000 characters where it carries them",
            u128::from(events) * 1_000_000 / wall.as_micros(),
            (cpu / events).as_micros()
        );
    }
}
