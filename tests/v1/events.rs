//! `POST /v1/events`.

use std::io::Write;

use chrono::TimeDelta;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, Request, StatusCode};
use runtime::metrics::{Metric, counted};
use serde_json::{Value, json};
use web::auth::Scope;

use crate::support::events::{call, event};
use crate::support::{Caller, Response, World, faults, noon, response_of};

/// `event` with the field at `at` set to `value`; null removes the field.
fn with(mut event: Value, at: &str, value: Value) -> Value {
    let (parent, name) = at.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    event
}

/// Sends one event and returns `accepted`, `duplicate`, or the code followed by the faults.
async fn outcome(caller: &Caller<'_>, event: &Value) -> Vec<String> {
    let response = caller.post(&json!([event])).await;
    let Some(rejected) = response["rejected"].get(0) else {
        return vec![if response["accepted"] == 1 { "accepted" } else { "duplicate" }.to_owned()];
    };
    assert_eq!((&rejected["index"], &rejected["retryable"]), (&json!(0), &json!(false)));
    let mut lines = vec![rejected["code"].as_str().unwrap().to_owned()];
    lines.extend(faults(&rejected["detail"]));
    lines
}

#[tokio::test]
async fn llm_call_fields_are_limited_at_both_edges() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let long = |n| json!("a".repeat(n));
    let billion = json!(1_000_000_000);
    let beyond = json!(1_000_000_001);
    let month = 30_u64 * 24 * 3600 * 1000;
    let call_cases = [
        ("/data/agent_id", long(128), long(129), "id"),
        ("/data/provider", long(128), long(129), "id"),
        ("/data/model", long(128), json!("a b"), "id"),
        ("/data/model", json!("a/b:c@d-e.f_G9"), json!("a#b"), "id"),
        ("/data/input_tokens", json!(0), json!(-1), "greater_than_equal"),
        ("/data/input_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/output_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/cache_read_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/cache_write_5m_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/cache_write_1h_tokens", billion, beyond, "less_than_equal"),
        ("/data/input_tokens", json!(1), json!("1"), "int_type"),
        ("/data/input_tokens", json!(1), json!(1.5), "int_type"),
        ("/data/reasoning_tokens", json!(200), json!(201), "reasoning_exceeds_output"),
        ("/data/latency_ms", json!(month), json!(month + 1), "less_than_equal"),
        ("/data/status", json!("error"), json!("Error"), "enum"),
        ("/data/end_user", json!("ada@example.org"), json!(""), "id"),
        ("/data/conversation_id", long(128), long(129), "id"),
        ("/data/task_type", long(128), long(129), "id"),
        ("/data/hostname", long(128), long(129), "id"),
        ("/data/key_source", json!("byok"), json!("own"), "enum"),
        ("/data/cost_usd", json!("1000000"), json!("1000000.000000000001"), "less_than_equal"),
        ("/data/cost_usd", json!("0.000000000001"), json!("0.0000000000001"), "decimal_max_places"),
        ("/data/cost_usd", json!("0"), json!("-0.01"), "greater_than_equal"),
        ("/data/cost_usd", json!("1e-3"), json!(0.5), "string_type"),
        ("/data/cost_usd", json!("1"), json!("one"), "decimal_parsing"),
        ("/id", long(128), long(129), "id"),
        ("/source", long(128), json!("a#b"), "id"),
        ("/source", json!("fleetledger"), json!("fleetledger/registry"), "reserved"),
        ("/specversion", json!("1.0"), json!("0.3"), "literal_error"),
        ("/datacontenttype", json!("application/json; charset=utf-8"), json!("text/xml"), "content_type"),
        ("/time", json!("2026-09-15T14:00:00.5+02:00"), json!("2026-09-15 14:00"), "datetime_parsing"),
        ("/type", json!("llm.call"), json!("llm.calls"), "enum"),
    ];
    for (i, (at, good, bad, kind)) in call_cases.into_iter().enumerate() {
        let base = |suffix| call(&format!("{i}-{suffix}"), noon());
        assert_eq!(
            outcome(&caller, &with(base("good"), at, good.clone())).await,
            ["accepted"],
            "{at} {good}"
        );
        let place = at.trim_start_matches('/').replace('/', ".");
        let expected = ["invalid".to_owned(), format!("body.0.{place} {kind}")];
        assert_eq!(outcome(&caller, &with(base("bad"), at, bad.clone())).await, expected, "{at} {bad}");
    }
}

#[tokio::test]
async fn fields_of_the_other_event_types_are_limited_at_both_edges() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let task = |id: &str| event(id, "task.completed", noon(), json!({ "agent_id": "nova" }));
    let entry = |id: &str| {
        event(
            id,
            "agent.activity",
            noon(),
            json!({ "agent_id": "nova", "event_type": "tool_call", "details": {} }),
        )
    };
    let sample = |id: &str| {
        let data = json!({
            "project_id": "site", "instance_id": "i-1", "from": "2026-09-14T12:00:00Z", "to": "2026-09-15T12:00:00Z",
            "cpu_cores": 0.1, "ram_gb": "0.5", "disk_gb": 10, "bandwidth_in_bytes": 1, "bandwidth_out_bytes": 0,
        });
        event(id, "compute.usage", noon(), data)
    };
    let report = |id: &str| event(id, "host.report", noon(), json!({ "node_id": "n-1", "hosted_sites": 3 }));
    let details = |bytes: usize| json!({ "x": "y".repeat(bytes - 8) });
    let cases = [
        (task("1"), "/data/minutes_saved", json!(1_000_000), json!(1_000_000.5), "less_than_equal"),
        (task("2"), "/data/minutes_saved", json!("0.000001"), json!("0.0000001"), "decimal_max_places"),
        (task("3"), "/data/success", json!(false), json!("no"), "bool_type"),
        (task("4"), "/data/duration_ms", json!(0), json!(-1), "greater_than_equal"),
        (entry("5"), "/data/details", details(8192), details(8193), "too_long"),
        (entry("6"), "/data/details", json!({ "a": [1, { "b": null }] }), json!([]), "object_type"),
        (entry("7"), "/data/event_type", json!("cron_execution"), json!("cron execution"), "id"),
        (
            sample("8"),
            "/data/from",
            json!("2026-09-14T12:00:00Z"),
            json!("2026-09-14T11:59:59.999Z"),
            "sample_length",
        ),
        (
            sample("9"),
            "/data/to",
            json!("2026-09-14T12:00:00.001Z"),
            json!("2026-09-14T12:00:00Z"),
            "sample_length",
        ),
        (sample("10"), "/data/cpu_cores", json!(1_000_000), json!(-0.1), "greater_than_equal"),
        (sample("11"), "/data/ram_gb", json!(0), json!(1_000_001), "less_than_equal"),
        (sample("12"), "/data/bandwidth_in_bytes", json!(1_000_000_000_000_000_u64), json!(0.5), "int_type"),
        (report("13"), "/data/hosted_sites", json!(1_000_000), json!(1_000_001), "less_than_equal"),
        (report("14"), "/data/node_id", json!("n"), json!("n n"), "id"),
    ];
    for (base, at, good, bad, kind) in cases {
        let again = with(base.clone(), "/id", json!(format!("{}-good", base["id"].as_str().unwrap())));
        assert_eq!(outcome(&caller, &with(again, at, good.clone())).await, ["accepted"], "{at} {good}");
        let found = outcome(&caller, &with(base, at, bad.clone())).await;
        let place = at.trim_start_matches('/').replace('/', ".");
        // The length of a sample is reported at its end.
        let place = if kind == "sample_length" { "data.to".to_owned() } else { place };
        assert_eq!(found, ["invalid".to_owned(), format!("body.0.{place} {kind}")], "{at} {bad}");
    }
}

#[tokio::test]
async fn every_fault_of_every_event_is_listed_and_valid_events_are_stored() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let bad = json!({
        "specversion": "2.0", "id": "a#b", "source": "s", "type": "llm.call", "Unknown": 1, "extension1": "fine",
        "data": { "agent_id": 7, "provider": "p", "input_tokens": -1, "output_tokens": 2_000_000_000, "input_token": 1 },
    });
    let batch = json!([call("1", noon()), bad, "text", call("2", noon()), null]);
    let response = caller.post(&batch).await;
    assert_eq!((&response["accepted"], &response["duplicates"]), (&json!(2), &json!(0)));
    let rejected = response["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), 3);
    assert_eq!((&rejected[0]["index"], &rejected[0]["id"]), (&json!(1), &json!("a#b")));
    assert_eq!(
        faults(&rejected[0]["detail"]),
        [
            "body.1.id id",
            "body.1.time missing",
            "body.1.specversion literal_error",
            "body.1.Unknown extra_forbidden",
            "body.1.data.agent_id id_type",
            "body.1.data.model missing",
            "body.1.data.input_tokens greater_than_equal",
            "body.1.data.output_tokens less_than_equal",
            "body.1.data.input_token extra_forbidden",
        ]
        .map(|line| line.replace("id_type", "string_type"))
    );
    assert_eq!((&rejected[1]["index"], &rejected[1]["id"]), (&json!(2), &Value::Null));
    assert_eq!(faults(&rejected[2]["detail"]), ["body.4 object_type"]);
    world.stack.drain().await;
    assert_eq!(caller.get("/v1/metrics/summary").await["total_requests"], 2);
}

#[tokio::test]
async fn time_must_lie_within_the_window() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let (ahead, back, ms) = (TimeDelta::minutes(10), TimeDelta::days(35), TimeDelta::milliseconds(1));
    assert_eq!(outcome(&caller, &call("1", noon() + ahead)).await, ["accepted"]);
    assert_eq!(
        outcome(&caller, &call("2", noon() + ahead + ms)).await,
        ["in_future", "body.0.time in_future"]
    );
    assert_eq!(outcome(&caller, &call("3", noon() - back)).await, ["accepted"]);
    assert_eq!(outcome(&caller, &call("4", noon() - back - ms)).await, ["too_old", "body.0.time too_old"]);
    let sample = |id: &str, from: chrono::DateTime<chrono::Utc>, to: chrono::DateTime<chrono::Utc>| {
        let data = json!({
            "project_id": "site", "instance_id": "i-1", "from": ledger::period::rfc3339(from),
            "to": ledger::period::rfc3339(to), "cpu_cores": 1, "ram_gb": 1, "disk_gb": 1,
            "bandwidth_in_bytes": 0, "bandwidth_out_bytes": 0,
        });
        event(id, "compute.usage", noon(), data)
    };
    let hour = TimeDelta::hours(1);
    assert_eq!(outcome(&caller, &sample("5", noon() - hour, noon() + ahead)).await, ["accepted"]);
    let late = outcome(&caller, &sample("6", noon() - hour, noon() + ahead + ms)).await;
    assert_eq!(late, ["in_future", "body.0.data.to in_future"]);
    let old = outcome(&caller, &sample("7", noon() - back - hour, noon() - back - ms)).await;
    assert_eq!(old, ["too_old", "body.0.data.to too_old"]);
}

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
