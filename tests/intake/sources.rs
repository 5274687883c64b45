//! `/api/sources`: what senders sent, and how much of it was stored.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::recording::{Recording, post};
use crate::support::events::call;
use crate::support::{World, noon};
use crate::v1::events::with;

async fn sources(world: &World) -> Vec<Value> {
    world.caller("acme").get("/api/sources").await["sources"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_organization_without_senders_has_an_empty_list() {
    let world = World::new().await;
    let response = world.caller("acme").get("/api/sources").await;
    let expected = json!({ "from": "2026-08-17", "to": "2026-09-15", "sources": [], "total": 0 });
    assert_eq!(response, expected);
}

#[tokio::test]
async fn what_is_refused_is_counted_by_source_and_reason() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let unpriced = with(call("2", noon()), "/data/model", json!("in-house"));
    let warned = with(call("3", noon()), "/data/tags", json!("none"));
    let conflict = with(call("1", noon()), "/data/input_tokens", json!(5));
    let nameless = with(call("7", noon()), "/source", Value::Null);
    let bad = [
        with(call("4", noon()), "/data/input_tokens", json!(-1)),
        call("5", noon() - TimeDelta::days(36)),
        call("6", noon() + TimeDelta::days(1)),
    ];
    caller.post(&json!([call("1", noon()), unpriced, warned])).await;
    caller.post(&json!([call("1", noon()), conflict, nameless, bad[0], bad[1], bad[2]])).await;
    let all = sources(&world).await;
    let of = |name: &str| all.iter().find(|source| source["source"] == name).unwrap().clone();
    let source = of("/agents");
    let expected = json!({
        "source": "/agents", "kind": "cloudevents", "version": null,
        "firstSeen": "2026-09-15T12:00:00Z", "lastSeen": "2026-09-15T12:00:00Z",
        "accepted": 3, "calls": 3, "unpricedRequests": 1, "duplicates": 1, "conflicts": 1,
        "refused": { "greater_than_equal": 1, "too_old": 1, "in_future": 1 }, "warnings": 1,
        "notCounted": { "spans": 0, "logs": 0, "metrics": 0 },
        "exclusiveTokenCorrections": 0, "withoutUsage": 0, "reportedCalls": null, "captureRate": null,
    });
    assert_eq!(source, expected);
    assert_eq!(of("(none)")["refused"], json!({ "missing": 1 }));
    assert_eq!(world.caller("bolt").get("/api/sources").await["total"], 0);
}

/// The recordings hold the same calls as spans, as log records and as metrics.
#[tokio::test]
async fn signals_that_are_not_counted_and_the_capture_rate_are_shown() {
    for (sender, service) in [("otel", "otel"), ("claude-code", "claude-code")] {
        let recording = Recording::of(sender);
        let world = recording.world().await;
        recording.send(&world).await;
        recording.send(&world).await;
        let all = sources(&world).await;
        println!("{sender}: {all:#?}");
        let source = all.iter().find(|source| source["kind"] == "otlp" && source["source"] == service);
        let source = source.or(all.first()).unwrap();
        assert!(source["calls"].as_u64() > Some(0) && source["duplicates"].as_u64() > Some(0), "{source}");
        let not_counted = &source["notCounted"];
        assert!(not_counted.as_object().unwrap().values().any(|count| *count != 0), "{source}");
        if let Some(reported) = source["reportedCalls"].as_u64() {
            assert_eq!(source["calls"].as_u64(), Some(reported), "every call arrived: {source}");
            assert_eq!(source["captureRate"], 1.0);
        }
    }
}

#[tokio::test]
async fn a_sender_of_made_up_sources_fills_no_table() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let events: Vec<_> =
        (0..50).map(|i| with(call("1", noon()), "/source", json!(format!("made-up-{i}")))).collect();
    caller.post(&json!(events)).await;
    let all = sources(&world).await;
    assert_eq!(all.len(), 9, "8 of a request, and all others");
    let accepted: u64 = all.iter().map(|source| source["accepted"].as_u64().unwrap()).sum();
    assert_eq!(accepted, 50);
    let (status, _) =
        post(&world, "/v1/intake/litellm", &[("content-type", "application/json")], "[null]").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let litellm = sources(&world).await.into_iter().find(|source| source["source"] == "litellm").unwrap();
    assert_eq!(litellm["refused"], json!({ "unusable_entry": 1 }));
}
