//! Content types, encodings and sizes of bodies.

use std::io::Write;

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
    for body in ["", "not JSON", "{", "[{}", "\u{feff}[]"] {
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
