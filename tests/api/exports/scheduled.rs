//! The files that the function `exporter` writes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use chrono::TimeDelta;
use exporter::{Bucket, Place};
use http::StatusCode;
use serde_json::{Value, json};

use super::file;
use super::focus::{parquet_rows, rows};
use crate::api::cost_analysis::call;
use crate::support::events::event;
use crate::support::{World, noon};

async fn export(world: &World) -> Value {
    world.stack.invoke("exporter", json!({})).await.unwrap()["written"].clone()
}

fn path(world: &World, day: &str, name: &str) -> PathBuf {
    world.stack.folder().join("exports/acme").join(format!("dt={day}")).join(name)
}

#[tokio::test]
async fn each_day_is_written_once_and_again_when_it_has_changed() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let of = |id, days: i64| {
        call(id, "nova", "anthropic/claude-haiku-3.5", noon() - TimeDelta::days(days), &json!({}))
    };
    let entry = json!({ "agent_id": "nova", "event_type": "tool_call", "details": { "tool": "x" } });
    let entry = event("entry", "agent.activity", noon() - TimeDelta::days(1), entry);
    caller.record(&[of("1", 2), of("2", 1), of("3", 0), entry]).await;
    // Two days of charges and one of the log; today is not over.
    assert_eq!(export(&world).await, 3);
    assert!(!path(&world, "2026-09-15", "focus.parquet").exists());
    let csv = async |day: &str, next: &str| {
        rows(&file(&world, &format!("/api/exports/focus?from={day}&to={next}")).await)
    };
    let written = |day| parquet_rows(Bytes::from(std::fs::read(path(&world, day, "focus.parquet")).unwrap()));
    assert_eq!(written("2026-09-14"), csv("2026-09-14", "2026-09-15").await);
    let log = std::fs::read_to_string(path(&world, "2026-09-14", "ocsf.ndjson")).unwrap();
    assert_eq!(log, file(&world, "/api/exports/ocsf?from=2026-09-14&to=2026-09-15").await);
    assert!(log.contains("tool_call"));
    assert_eq!(export(&world).await, 0);
    // A late event, and a day that is recomputed.
    caller.record(&[of("late", 1)]).await;
    assert_eq!(export(&world).await, 1);
    assert_eq!(written("2026-09-14"), csv("2026-09-14", "2026-09-15").await);
    let seal = json!({ "do": "day", "org": "acme", "day": "2026-09-13", "seal": true });
    world.stack.invoke("reconcile", seal).await.unwrap();
    assert_eq!(export(&world).await, 1);
    // Days are cut in another way.
    caller.put("/api/organization", &json!({ "timezone": "Asia/Kathmandu" })).await;
    world.stack.invoke("reconcile", json!({ "do": "calendars" })).await.unwrap();
    world.stack.drain().await;
    assert!(export(&world).await.as_u64() >= Some(2));
    let of_zone = written("2026-09-14");
    assert!(of_zone.iter().all(|row| row["ChargePeriodStart"] == "2026-09-13T18:15:00Z"));
}

#[tokio::test]
async fn a_day_that_a_new_time_zone_empties_is_written_again() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let evening = noon() - TimeDelta::days(2) + TimeDelta::hours(8);
    caller.record(&[call("1", "nova", "anthropic/claude-haiku-3.5", evening, &json!({}))]).await;
    assert_eq!(export(&world).await, 1);
    let rows =
        |day| parquet_rows(Bytes::from(std::fs::read(path(&world, day, "focus.parquet")).unwrap())).len();
    let before = rows("2026-09-13");
    assert!(before > 0);
    caller.put("/api/organization", &json!({ "timezone": "Pacific/Apia" })).await;
    world.stack.invoke("reconcile", json!({ "do": "calendars" })).await.unwrap();
    world.stack.drain().await;
    assert_eq!(export(&world).await, 2);
    assert_eq!([rows("2026-09-13"), rows("2026-09-14")], [0, before]);
    assert_eq!(export(&world).await, 0);
}

/// What a bucket was sent: the path, the headers by name, and the body.
type Sent = Arc<Mutex<Vec<(String, http::HeaderMap, Bytes)>>>;

#[tokio::test]
async fn a_bucket_gets_signed_requests_again_while_it_is_unavailable() {
    let sent = Sent::default();
    let keep = sent.clone();
    let bucket = Router::new().fallback(move |request: Request| async move {
        let (parts, body) = request.into_parts();
        assert_eq!(parts.method, http::Method::PUT);
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let mut keep = keep.lock().unwrap();
        keep.push((parts.uri.path().to_owned(), parts.headers, body));
        match keep.len() {
            1 => StatusCode::SERVICE_UNAVAILABLE,
            2 => StatusCode::OK,
            _ => StatusCode::FORBIDDEN,
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, bucket).await.unwrap() });
    let credentials = Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test");
    let bucket =
        Bucket::at(url, "eu-central-1".to_owned(), SharedCredentialsProvider::new(credentials)).unwrap();
    let place = Place::Bucket(bucket);
    let name = ["a/b", "dt=2026-09-14", "focus.parquet"];
    place.put(&name, "application/vnd.apache.parquet", b"rows".to_vec()).await.unwrap();
    let refused = place.put(&name, "text/plain", b"rows".to_vec()).await.unwrap_err();
    assert!(refused.to_string().starts_with("S3 responded 403"), "{refused}");
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 3);
    let hash = "bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e".to_owned(); // of "rows"
    for (path, headers, body) in sent.iter() {
        assert_eq!((path.as_str(), &body[..]), ("/a%2Fb/dt=2026-09-14/focus.parquet", &b"rows"[..]));
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-amz-content-sha256"), header("x-amz-security-token")),
            (hash.clone(), "token".to_owned())
        );
        let signature = header("authorization");
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{signature}");
        assert!(signature.contains("/eu-central-1/s3/aws4_request, SignedHeaders="), "{signature}");
    }
}
