//! Duplicates and conflicts.

use chrono::TimeDelta;
use http::{Request, StatusCode};
use runtime::metrics::{Metric, counted};
use serde_json::json;
use web::auth::Scope;

use super::{outcome, with};
use crate::support::events::call;
use crate::support::{World, noon, response_of};

#[tokio::test]
async fn an_event_is_stored_once() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let first = call("1", noon());
    assert_eq!(outcome(&caller, &first).await, ["accepted"]);
    assert_eq!(outcome(&caller, &first).await, ["duplicate"]);
    // The same content written differently: another offset, another order, explicit defaults, extension attributes.
    let mut spelled = with(first.clone(), "/time", json!("2026-09-15T15:00:00.000+03:00"));
    spelled = with(spelled, "/data/status", json!("ok"));
    spelled = with(spelled, "/data/cache_read_tokens", json!(0));
    spelled = with(spelled, "/traceparent", json!("00-1-2-3"));
    assert_eq!(outcome(&caller, &spelled).await, ["duplicate"]);
    let other = with(first.clone(), "/data/input_tokens", json!(999));
    assert_eq!(outcome(&caller, &other).await, ["conflict", "body.0.id conflict"]);
    // The faults of a single event have no index.
    assert_eq!(caller.post(&other).await["rejected"][0]["detail"][0]["loc"], json!(["body", "id"]));
    // The same id on another day or from another source is another event.
    assert_eq!(outcome(&caller, &call("1", noon() - TimeDelta::days(1))).await, ["accepted"]);
    assert_eq!(outcome(&caller, &with(first.clone(), "/source", json!("/other"))).await, ["accepted"]);
    world.stack.drain().await;
    let summary = caller.get("/v1/metrics/summary").await;
    assert_eq!((&summary["total_requests"], &summary["total_tokens_in"]), (&json!(3), &json!(3000)));
}

#[tokio::test]
async fn duplicates_and_conflicts_are_found_within_one_request() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let one = call("1", noon());
    let other = with(one.clone(), "/data/input_tokens", json!(5));
    let response = caller.post(&json!([one, other, one])).await;
    assert_eq!((&response["accepted"], &response["duplicates"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&response["rejected"][0]["index"], &response["rejected"][0]["code"]),
        (&json!(1), &json!("conflict"))
    );
    // The stored event decides, not the first one in the request.
    let response = caller.post(&json!([other, one])).await;
    assert_eq!((&response["accepted"], &response["duplicates"]), (&json!(0), &json!(1)));
    assert_eq!(response["rejected"][0]["index"], 0);
}

#[tokio::test]
async fn the_order_of_fields_in_activity_details_does_not_matter() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let send = async |details: &str| {
        let body = format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"agent.activity","time":"2026-09-15T12:00:00Z",
               "data":{{"agent_id":"nova","event_type":"tool_call","details":{details}}}}}"#
        );
        caller.post(&serde_json::from_str(&body).unwrap()).await["duplicates"].clone()
    };
    assert_eq!(send(r#"{"a":1,"b":{"c":2,"d":3}}"#).await, 0);
    assert_eq!(send(r#"{"b":{"d":3,"c":2},"a":1}"#).await, 1);
}

#[tokio::test]
async fn accepted_duplicate_and_rejected_events_are_metered() {
    let world = World::new().await;
    let other = |id, time| with(call(id, time), "/data/input_tokens", json!(7));
    let events = json!([
        call("1", noon()),
        call("2", noon()),
        call("1", noon()),
        other("1", noon()),
        call("3", noon() - TimeDelta::days(36)),
        with(call("4", noon()), "/type", json!("llm.calls")),
    ]);
    let token = world.stack.token("acme", &[Scope::EventsWrite]).unwrap();
    let request = Request::post("/v1/events")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(events.to_string());
    let router = world.app(world.stack.client().clone()).router(ingest::routes());
    let ((status, response), counts) = counted("ingest", response_of(router, request.unwrap())).await;
    assert_eq!((status, response["rejected"].as_array().unwrap().len()), (StatusCode::OK, 3));
    let all = [Metric::Accepted, Metric::Duplicates, Metric::Rejected, Metric::Unavailable];
    assert_eq!(all.map(|metric| counts.get(metric)), [2, 1, 3, 0]);
}
