//! What is refused, and how senders are told.

use std::io::Write;

use chrono::TimeDelta;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use runtime::clock::Clock;
use serde_json::{Value, json};

use super::recording::{Recording, post};
use crate::support::{World, noon};

const PROTOBUF: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn post_json(world: &World, path: &str, body: &Value) -> (StatusCode, Value) {
    let response = world.caller("acme").send(http::Method::POST, path, &JSON, body.to_string()).await;
    (response.status, response.body)
}

#[tokio::test]
async fn compressed_exports_are_taken() {
    let recording = Recording::of("otel");
    let world = recording.world().await;
    let traces = recording.requests.iter().find(|request| request.path == "/otlp/v1/traces").unwrap();
    let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "gzip")];
    let (status, _) = post(&world, &traces.path, &headers, gzip(&traces.body)).await;
    assert_eq!(status, StatusCode::OK);
    let bomb = gzip(&vec![0; 64 << 20]);
    let (status, _) = post(&world, &traces.path, &headers, bomb).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn unreadable_exports_are_final_errors_in_the_encoding_of_the_request() {
    let world = World::new().await;
    for path in ["/otlp/v1/traces", "/otlp/v1/logs", "/otlp/v1/metrics"] {
        let (status, body) = post(&world, path, &PROTOBUF, &b"\x0a\xff\x01"[..]).await;
        // Field 1 is the code, field 2 the message.
        assert_eq!((status, &body[..3]), (StatusCode::BAD_REQUEST, &b"\x08\x03\x12"[..]), "{path}");
        for body in [json!(1), json!([])] {
            let (status, body) = post_json(&world, path, &body).await;
            assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(3)), "{path}");
        }
        let (status, _) = post(&world, path, &[("content-type", "text/plain")], "x").await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        let (status, body) = post(&world, path, &PROTOBUF, "").await;
        assert_eq!((status, &body[..]), (StatusCode::OK, &b""[..]), "{path}");
    }
}

#[tokio::test]
async fn a_rejected_span_is_counted_in_the_partial_success() {
    let world = World::new().await;
    let span = |id: &str, time: &str, tokens: &str| {
        let attribute = |key: &str, value: Value| json!({ "key": key, "value": value });
        json!({
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": id,
            "startTimeUnixNano": time, "endTimeUnixNano": time,
            "attributes": [
                attribute("gen_ai.operation.name", json!({ "stringValue": "chat" })),
                attribute("gen_ai.request.model", json!({ "stringValue": "gpt-4.1-mini" })),
                attribute("gen_ai.usage.input_tokens", json!({ "intValue": tokens })),
            ],
        })
    };
    // The clock of the system stands at 2026-09-15T12:00:00Z.
    let now = "1789473600000000000";
    let spans = [
        span("00f067aa0ba902b1", now, "1"),
        span("00f067aa0ba902b2", now, "-1"),
        span("00f067aa0ba902b3", "1600000000000000000", "1"),
        span("00f067aa0ba902b4", now, "99999999999"),
        span("00f0", now, "1"),
    ];
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    let (status, body) = post_json(&world, "/otlp/v1/traces", &request).await;
    assert_eq!((status, &body["partialSuccess"]["rejectedSpans"]), (StatusCode::OK, &json!("4")));
    let message = body["partialSuccess"]["errorMessage"].as_str().unwrap();
    for part in
        ["Entry 1: gen_ai.usage.input_tokens", "Entry 2: time: ", "Entry 3: input_tokens: ", "Entry 4: "]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn entries_of_a_provider_are_handled_alone() {
    let world = World::new().await;
    let good = json!({ "id": "chatcmpl-1", "model": "gpt-4.1-mini", "created": 1_789_473_600,
        "usage": { "prompt_tokens": 10, "completion_tokens": 2 } });
    let body = json!([good, { "id": "2" }, { "id": "3", "model": "m", "usage": { "prompt_tokens": -1 } }]);
    let (status, result) = post_json(&world, "/v1/intake/openai?agent_id=nova", &body).await;
    assert_eq!((status, &result["accepted"]), (StatusCode::OK, &json!(1)), "{result}");
    let rejected = result["rejected"].as_array().unwrap();
    let indices: Vec<_> = rejected.iter().map(|one| one["index"].clone()).collect();
    assert_eq!(indices, [1, 2]);
    let (_, again) = post_json(&world, "/v1/intake/openai?agent_id=nova", &json!(good)).await;
    assert_eq!(again, json!({ "accepted": 0, "duplicates": 1, "rejected": [] }));
    let (status, _) = post_json(&world, "/v1/intake/openai", &json!("text")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nothing could be taken");
    let unreadable = world.caller("acme").send(http::Method::POST, "/v1/intake/openai", &JSON, "[").await;
    assert_eq!(unreadable.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// Neither Anthropic's messages nor Converse's responses say when they were.
#[tokio::test]
async fn a_response_without_a_time_is_a_duplicate_when_sent_again() {
    let clock = Clock::fixed(noon());
    let world = World::at(clock).await;
    let message = json!({ "id": "msg_1", "model": "claude-sonnet-4-5",
        "usage": { "input_tokens": 10, "output_tokens": 2 } });
    let path = "/v1/intake/anthropic?agent_id=nova&session_id=s-1";
    let (_, first) = post_json(&world, path, &message).await;
    assert_eq!(first["accepted"], 1);
    world.stack.clock().set(noon() + TimeDelta::minutes(5));
    let (_, second) = post_json(&world, path, &message).await;
    assert_eq!(second, json!({ "accepted": 0, "duplicates": 1, "rejected": [] }));
}

#[tokio::test]
async fn resource_attributes_that_the_organization_names_become_tags() {
    let world = World::new().await;
    world
        .caller("acme")
        .put("/api/organization", &json!({ "resource_attribute_tags": ["team", "Cost.Center"] }))
        .await;
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": [attribute("team", "ops"), attribute("Cost.Center", "42"), attribute("os.type", "linux")] },
        "scopeSpans": [{ "spans": [{
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00f067aa0ba902b1",
            "startTimeUnixNano": "1789473600000000000", "endTimeUnixNano": "1789473600000000000",
            "attributes": [attribute("gen_ai.operation.name", "execute_tool"), attribute("gen_ai.tool.name", "search"),
                attribute("gen_ai.conversation.id", "s-1")],
        }] }],
    }] });
    let (status, body) = post_json(&world, "/otlp/v1/traces", &request).await;
    assert_eq!((status, body), (StatusCode::OK, json!({})));
    world.stack.drain().await;
    let log = world.caller("acme").get("/api/activity?eventType=tool_call").await;
    let entry = &log["data"][0];
    assert_eq!(
        (&entry["tags"], &entry["sessionId"]),
        (&json!({ "team": "ops", "cost.center": "42" }), &json!("s-1"))
    );
}
