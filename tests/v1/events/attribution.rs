//! Sessions, parent agents, projects and tags of events.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use ledger::event::{CallStatus, Data};
use ledger::ids::Label;
use ledger::tags::MAX_TAGS;
use serde_json::{Value, json};

use super::{outcome, stored, with};
use crate::support::events::{call, event};
use crate::support::{World, faults, noon};

fn entry(id: &str, data: &Value) -> Value {
    let mut all = json!({ "agent_id": "nova", "event_type": "tool_call" });
    all.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    event(id, "agent.activity", noon(), all)
}

#[tokio::test]
async fn what_an_event_belongs_to_is_stored_with_it() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let mut one = call("1", noon());
    for (at, value) in [
        ("/data/session_id", json!("s-1")),
        ("/data/parent_agent_id", json!("lead")),
        ("/data/project_id", json!("shop")),
        ("/data/tags", json!({ "customer": "Ärzte", "env": "prod" })),
    ] {
        one = with(one, at, value);
    }
    assert_eq!(caller.post(&json!([one])).await, json!({ "accepted": 1, "duplicates": 0, "rejected": [] }));
    let events = stored(&world).await;
    let Data::LlmCall(call) = &events[0].data else { panic!() };
    assert_eq!(call.attribution.session_id, Some(Label::new("s-1").unwrap()));
    assert_eq!(call.attribution.parent_agent_id.as_ref().map(ToString::to_string).as_deref(), Some("lead"));
    assert_eq!(call.project_id.as_ref().map(ToString::to_string).as_deref(), Some("shop"));
    assert_eq!(call.attribution.tags["customer"], "Ärzte");
    // The other name of a session is the same content, other tags are not.
    let alias =
        with(with(one.clone(), "/data/session_id", Value::Null), "/data/conversation_id", json!("s-1"));
    assert_eq!(outcome(&caller, &alias).await, ["duplicate"]);
    let other = with(one, "/data/tags", json!({ "customer": "Ärzte", "env": "test" }));
    assert_eq!(outcome(&caller, &other).await, ["conflict", "body.0.id conflict"]);
}

#[tokio::test]
async fn the_activity_log_shows_session_parent_and_tags() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let about = json!({ "conversation_id": "s-1", "parent_agent_id": "lead", "tags": { "env": "prod" } });
    caller.record(&[entry("1", &about), entry("2", &json!({}))]).await;
    let log = caller.get("/api/activity").await;
    let row = &log["data"][0];
    assert_eq!(
        (&row["sessionId"], &row["parentAgentId"], &row["tags"]),
        (&json!("s-1"), &json!("lead"), &json!({ "env": "prod" }))
    );
    assert_eq!((log["data"][1].get("sessionId"), log["data"][1].get("tags")), (None, None));
}

#[tokio::test]
async fn what_cannot_be_used_is_left_out_with_a_warning_and_never_the_call() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let many: serde_json::Map<_, _> = (0..=MAX_TAGS).map(|i| (format!("t{i:02}"), json!("v"))).collect();
    let cases = [
        ("/data/session_id", json!(7), "body.0.data.session_id string_type"),
        ("/data/session_id", json!("a\nb"), "body.0.data.session_id label"),
        ("/data/conversation_id", json!("x".repeat(257)), "body.0.data.conversation_id label"),
        ("/data/parent_agent_id", json!(["a"]), "body.0.data.parent_agent_id string_type"),
        ("/data/project_id", json!(""), "body.0.data.project_id id"),
        ("/data/latency_ms", json!(-1), "body.0.data.latency_ms greater_than_equal"),
        ("/data/latency_ms", json!(30_u64 * 24 * 3600 * 1000 + 1), "body.0.data.latency_ms less_than_equal"),
        ("/data/latency_ms", json!("fast"), "body.0.data.latency_ms decimal_parsing"),
        ("/data/status", json!("timeout"), "body.0.data.status enum"),
        ("/data/tags", json!(["a"]), "body.0.data.tags object_type"),
        ("/data/tags", json!({ "Team": "a", "ok": "b" }), "body.0.data.tags.Team tag_name"),
        ("/data/tags", json!({ "team": 5, "ok": "b" }), "body.0.data.tags.team string_type"),
        ("/data/tags", json!({ "team": "", "ok": "b" }), "body.0.data.tags.team label"),
        ("/data/tags", Value::Object(many), "body.0.data.tags too_long"),
    ];
    for (i, (at, value, expected)) in cases.into_iter().enumerate() {
        let sent = with(call(&i.to_string(), noon()), at, value.clone());
        let response = caller.post(&json!([sent])).await;
        assert_eq!(
            (&response["accepted"], response["warnings"].as_array().map(Vec::len)),
            (&json!(1), Some(1))
        );
        assert_eq!(faults(&response["warnings"]), [expected], "{at} {value}");
    }
    let tags: Vec<_> =
        stored(&world).await.iter().map(|event| event.data.attribution().unwrap().tags.len()).collect();
    assert_eq!(tags.iter().sum::<usize>(), 3 + MAX_TAGS, "valid tags beside an invalid one are kept");
    let both = with(call("both", noon()), "/data/session_id", json!("a"));
    let response = caller.post(&json!([with(both, "/data/conversation_id", json!("b"))])).await;
    assert_eq!(faults(&response["warnings"]), ["body.0.data.conversation_id alias"]);
}

#[tokio::test]
async fn latencies_are_rounded_and_statuses_are_taken_in_any_case() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let latencies = [json!(812.5), json!(813.5), json!("1e2"), json!(0.2)];
    let sent = latencies.iter().enumerate().map(|(i, latency)| {
        with(
            with(call(&i.to_string(), noon()), "/data/latency_ms", latency.clone()),
            "/data/status",
            json!("ERROR"),
        )
    });
    let response = caller.post(&json!(sent.collect::<Vec<_>>())).await;
    assert_eq!((&response["accepted"], response.get("warnings")), (&json!(4), None), "{response}");
    let stored = stored(&world).await;
    let calls = stored.iter().map(|event| match &event.data {
        Data::LlmCall(call) => (call.latency_ms, call.status),
        other => panic!("{other:?}"),
    });
    let (latencies, statuses): (BTreeSet<_>, Vec<_>) = calls.unzip();
    assert_eq!(latencies, [0, 100, 812, 814].map(Some).into());
    assert!(statuses.iter().all(|status| *status == CallStatus::Error));
}

/// Two keys may send the same event, for example when an exporter's key is replaced between a try and its retry.
#[tokio::test]
async fn tags_of_a_key_are_added_and_the_events_own_win() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let mut keys = Vec::new();
    for tags in [json!({ "team": "ops", "env": "prod" }), json!({ "team": "web" })] {
        let body = json!({ "name": "exporter", "scopes": ["events:write"], "tags": tags }).to_string();
        let json = [("content-type", "application/json")];
        let response = caller.send(Method::POST, "/api/keys", &json, body).await;
        assert_eq!(response.status, StatusCode::CREATED);
        keys.push(response.body["key"].as_str().unwrap().to_owned());
    }
    let sent = entry("1", &json!({ "tags": { "team": "growth" } }));
    assert_eq!(world.bearer(&keys[0]).post(&json!([sent])).await["accepted"], 1);
    assert_eq!(world.bearer(&keys[1]).post(&json!([sent])).await["duplicates"], 1);
    assert_eq!(caller.post(&json!([sent])).await["duplicates"], 1);
    world.stack.drain().await;
    let log = caller.get("/api/activity?eventType=tool_call").await;
    assert_eq!(log["data"][0]["tags"], json!({ "team": "growth", "env": "prod" }));
}
