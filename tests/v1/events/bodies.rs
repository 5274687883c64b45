//! Content types, encodings and sizes of bodies.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::events::call;
use crate::support::{Caller, Response, World, faults, noon};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

async fn raw(caller: &Caller<'_>, headers: &[(&str, &str)], body: impl Into<axum::body::Bytes>) -> Response {
    caller.send(Method::POST, "/v1/events", headers, body).await
}

#[tokio::test]
async fn single_events_batches_and_gzip_are_accepted() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let one = call("1", noon()).to_string();
    let batch = json!([call("2", noon())]).to_string();
    for (kind, body) in [
        ("application/cloudevents+json; charset=UTF-8", one.clone()),
        ("application/cloudevents-batch+json", batch.clone()),
        ("application/json", call("3", noon()).to_string()),
        ("application/json", json!([call("4", noon())]).to_string()),
    ] {
        let response = raw(&caller, &[("content-type", kind)], body).await;
        assert_eq!((response.status, &response.body["accepted"]), (StatusCode::OK, &json!(1)), "{kind}");
    }
    let zipped = gzip(&json!([call("5", noon())]).to_string());
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(raw(&caller, &headers, zipped).await.body["accepted"], 1);
    assert_eq!(raw(&caller, &[("content-type", "application/json")], "[]").await.body["accepted"], 0);
    // The faults of a single event have no index.
    let response = raw(&caller, &[("content-type", "application/cloudevents+json")], "{}").await;
    assert_eq!(faults(&response.body["rejected"][0]["detail"])[0], "body.id missing");
}

#[tokio::test]
async fn an_unreadable_body_is_rejected_as_a_whole() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let json = [("content-type", "application/json")];
    for body in ["", "not JSON", "{", "[{}", "\u{feff}["] {
        let response = raw(&caller, &json, body.to_owned()).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(faults(&response.body["detail"]), ["body body_unreadable"]);
    }
    for (headers, status) in [
        ([("content-type", "text/plain"), ("accept", "*/*")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            [("content-type", "application/json"), ("content-encoding", "br")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            [("content-type", "application/json"), ("content-encoding", "gzip")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            [("content-type", "application/cloudevents+json"), ("accept", "*/*")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let response = raw(&caller, &headers, "[]").await;
        assert_eq!(response.status, status, "{headers:?}");
        assert!(response.body["detail"].is_string() || response.body["detail"].is_array());
    }
}

#[tokio::test]
async fn requests_are_limited_to_500_events_and_1_mib() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let events = |n: usize| json!((0..n).map(|i| call(&i.to_string(), noon())).collect::<Vec<_>>());
    let response = caller.try_post(&events(501)).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(response.body["detail"].as_str().unwrap().contains("500 events"));
    assert_eq!(caller.post(&events(500)).await["accepted"], 500);
    let json = [("content-type", "application/json")];
    let padded = |bytes: usize| format!("[]{}", " ".repeat(bytes - 2));
    assert_eq!(raw(&caller, &json, padded(1 << 20)).await.status, StatusCode::OK);
    let response = raw(&caller, &json, padded((1 << 20) + 1)).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(response.body["detail"].as_str().unwrap().contains("1048576 bytes"));
    // So far over the limit that the body is not read at all.
    let response = raw(&caller, &json, padded((2 << 20) + 1)).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(response.body["detail"].as_str().unwrap().contains("1048576 bytes"));
    // A decompression bomb: 100 MiB of spaces in less than 200 KiB.
    let bomb = gzip(&padded(100 << 20));
    assert!(bomb.len() < 200 << 10);
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(raw(&caller, &headers, bomb).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn attributes_in_headers_and_data_in_the_body_are_one_event() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let data = json!({ "agent_id": "nova", "provider": "anthropic", "model": "claude-haiku-3.5",
        "input_tokens": 1000, "output_tokens": 200 });
    let time = ledger::period::rfc3339(noon());
    let attributes = |id: &'static str| {
        vec![
            ("ce-specversion", "1.0"),
            ("ce-type", "llm.call"),
            ("ce-source", "/agents/no%C3%A9%20x"),
            ("ce-id", id),
            ("ce-time", time.as_str()),
            ("ce-traceparent", "00-a-b-01"),
        ]
    };
    for kind in ["application/json", "text/json; charset=utf-8", "application/vnd.acme+json"] {
        let headers = [attributes("1"), vec![("content-type", kind)]].concat();
        let response = raw(&caller, &headers, data.to_string()).await;
        assert_eq!(response.status, StatusCode::OK, "{}", response.body);
    }
    // The same event in structured mode, with its data as JSON and as bytes.
    let event = |more: serde_json::Value| {
        let mut event = json!({ "specversion": "1.0", "type": "llm.call", "source": "/agents/no\u{e9} x", "id": "1",
            "time": time, "datacontenttype": "text/json" });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let bytes = STANDARD.encode(format!("\u{feff}{data}"));
    for again in [event(json!({ "data": data })), event(json!({ "data_base64": bytes }))] {
        assert_eq!(caller.post(&json!([again])).await["duplicates"], 1);
    }
    let zipped = gzip(&format!("\u{feff}{data}"));
    let headers =
        [attributes("2"), vec![("content-type", "application/json"), ("content-encoding", "gzip")]].concat();
    assert_eq!(raw(&caller, &headers, zipped).await.body["accepted"], 1);

    // What is missing is named, and nothing is said to be fine.
    let response =
        raw(&caller, &[("ce-id", "3"), ("content-type", "application/json")], data.to_string()).await;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        faults(&response.body["rejected"][0]["detail"]).join(", "),
        "body.source missing, body.time missing, body.specversion missing, body.type missing"
    );
    for bad in [
        json!({ "data_base64": "!" }),
        json!({ "data_base64": "bm8=" }),
        json!({ "data_base64": 1 }),
        json!({}),
    ] {
        let response = caller.try_post(&json!([event(bad)])).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", response.body);
    }
}

#[tokio::test]
async fn a_request_of_which_nothing_can_be_taken_is_not_a_success() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let good = call("1", noon());
    let status = async |events: serde_json::Value| caller.try_post(&events).await.status;
    assert_eq!(status(json!([good, {}])).await, StatusCode::OK);
    assert_eq!(status(json!([good, {}])).await, StatusCode::OK, "a duplicate is stored");
    assert_eq!(status(json!([{}, {}])).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(status(json!([])).await, StatusCode::OK);
    let mut conflict = good.clone();
    conflict["data"]["input_tokens"] = json!(7);
    assert_eq!(status(json!([conflict])).await, StatusCode::OK, "not for its form");
}
