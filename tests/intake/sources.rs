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
        "comparedCosts": 0, "costDifferences": [],
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

fn litellm(id: &str, cost: &Value) -> Value {
    json!({
        "litellm_call_id": id, "model": "gpt-4o", "custom_llm_provider": "openai", "prompt_tokens": 1_000_000,
        "completion_tokens": 0, "response_cost": cost, "endTime": 1_789_473_600, "status": "success",
        "metadata": { "user_api_key_alias": "nova" },
    })
}

#[tokio::test]
async fn costs_that_senders_computed_are_compared_or_charged_as_the_organization_wants() {
    let world = World::new().await;
    let send = async |calls: Value| {
        let (status, _) =
            post(&world, "/v1/intake/litellm", &[("content-type", "application/json")], calls.to_string())
                .await;
        assert_eq!(status, StatusCode::OK);
        world.stack.drain().await;
    };
    // 2.50 by the price book; the second is that in floating point, the last none at all.
    send(json!([
        litellm("1", &json!(3.1)),
        litellm("2", &json!(2.500_000_000_000_000_4)),
        litellm("3", &json!("2.75")),
        litellm("4", &Value::Null),
        litellm("5", &json!(-1)),
        litellm("6", &json!(2_000_000)),
    ]))
    .await;
    let source = sources(&world).await.remove(0);
    assert_eq!(source["comparedCosts"], 3, "{source}");
    let difference = json!({
        "provider": "openai", "model": "gpt-4o", "calls": 2, "reportedCost": 5.85, "cost": 5, "difference": 0.85
    });
    assert_eq!(source["costDifferences"], json!([difference]));
    let caller = world.caller("acme");
    assert_eq!(caller.get("/v1/metrics/summary").await["estimated_cost_usd"], "15.00");

    caller.put("/api/organization", &json!({ "charge_reported_costs": true })).await;
    send(json!([litellm("7", &json!(3.1)), litellm("8", &Value::Null)])).await;
    assert_eq!(caller.get("/v1/metrics/summary").await["estimated_cost_usd"], "20.60");
    assert_eq!(sources(&world).await[0]["comparedCosts"], 3);
}
