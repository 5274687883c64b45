//! Events a second and CPU time per event of each format, beside plain CloudEvents. Prints the figures of infra/README.md.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::recording::post;
use crate::support::{World, noon};

const EVENTS: usize = 500;
const REQUESTS: usize = 20;
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

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

fn span(number: usize, prompt: &str) -> Value {
    let text = |key: &str, text: &str| json!({ "key": key, "value": { "stringValue": text } });
    let count = |key: &str, count: u64| json!({ "key": key, "value": { "intValue": count.to_string() } });
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{:016x}", number + 1), "name": "chat gpt-4.1-mini",
        "startTimeUnixNano": nanos(), "endTimeUnixNano": nanos(),
        "attributes": [
            text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "openai"),
            text("gen_ai.response.model", "gpt-4.1-mini"), text("gen_ai.agent.name", "nova"),
            text("gen_ai.conversation.id", "s-1"), count("gen_ai.usage.input_tokens", 1200),
            count("gen_ai.usage.cache_read.input_tokens", 1024), count("gen_ai.usage.output_tokens", 300),
            text("gen_ai.input.messages", prompt),
        ],
    })
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
fn body(format: &str, first: usize) -> String {
    let prompt = "word ".repeat(400);
    let numbers = first..first + EVENTS;
    let list =
        |one: &dyn Fn(usize) -> Value| Value::from(numbers.clone().map(one).collect::<Vec<_>>()).to_string();
    match format {
        "CloudEvents" => list(&|i| cloud_event(&i.to_string())),
        "LiteLLM" => list(&|i| payload(&i.to_string(), &prompt)),
        "provider's response" => list(&|i| response(&format!("chatcmpl-{i}"))),
        _ => {
            let spans: Vec<_> = numbers.map(|i| span(i, &prompt)).collect();
            json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string()
        }
    }
}

#[tokio::test]
#[ignore = "prints the figures of infra/README.md: cargo test --workspace --test system --release -- --ignored --nocapture throughput"]
async fn events_a_second_and_cpu_per_event() {
    for (format, path) in [
        ("CloudEvents", "/v1/events"),
        ("OTLP as JSON", "/otlp/v1/traces"),
        ("LiteLLM", "/v1/intake/litellm"),
        ("provider's response", "/v1/intake/openai?agent_id=nova"),
    ] {
        let world = World::new().await;
        let bodies: Vec<_> = (0..=REQUESTS).map(|request| body(format, request * EVENTS)).collect();
        let (mut started, mut used) = (Instant::now(), cpu());
        for (request, body) in bodies.into_iter().enumerate() {
            if request == 1 {
                // The first request warms up.
                (started, used) = (Instant::now(), cpu());
            }
            let (status, answer) = post(&world, path, &JSON, body).await;
            assert_eq!(status, http::StatusCode::OK, "{format}: {answer:?}");
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
