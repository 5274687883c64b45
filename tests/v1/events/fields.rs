//! Limits of fields, and how their faults are reported.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{outcome, with};
use crate::support::events::{call, event};
use crate::support::{World, faults, noon};

#[tokio::test]
async fn llm_call_fields_are_limited_at_both_edges() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let long = |n| json!("a".repeat(n));
    let billion = json!(1_000_000_000);
    let beyond = json!(1_000_000_001);
    let call_cases = [
        ("/data/agent_id", long(256), long(257), "id"),
        ("/data/provider", long(256), long(257), "label"),
        ("/data/model", json!("a#b é %"), json!("a\tb"), "label"),
        ("/data/model", json!("a/b:c@d-e.f_G9"), json!(""), "label"),
        ("/data/input_tokens", json!(0), json!(-1), "greater_than_equal"),
        ("/data/input_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/output_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/cache_read_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/cache_write_5m_tokens", billion.clone(), beyond.clone(), "less_than_equal"),
        ("/data/cache_write_1h_tokens", billion, beyond, "less_than_equal"),
        ("/data/input_audio_tokens", json!(90), json!(1_000_000), "part_exceeds_whole"),
        ("/data/output_audio_tokens", json!(0), json!(1_000_000), "part_exceeds_whole"),
        ("/data/units", json!({ "web_search": "1.5" }), json!({ "web_search": -1 }), "greater_than_equal"),
        ("/data/units", json!({}), json!([]), "object_type"),
        ("/data/input_tokens", json!(1), json!("1"), "int_type"),
        ("/data/input_tokens", json!(1), json!(1.5), "int_type"),
        ("/data/key_source", json!("BYOK "), json!("own"), "enum"),
        ("/data/cost_usd", json!("1000000"), json!("1000000.01"), "less_than_equal"),
        ("/data/cost_usd", json!("0"), json!("-0.01"), "greater_than_equal"),
        ("/data/cost_usd", json!("1e-3"), json!("one"), "decimal_parsing"),
        ("/id", long(256), long(257), "id"),
        ("/source", json!("a#b é %"), json!("a\u{85}b"), "id"),
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
        let code = if kind == "reserved" { kind } else { "invalid" };
        let expected = [code.to_owned(), format!("body.0.{place} {kind}")];
        assert_eq!(outcome(&caller, &with(base("bad"), at, bad.clone())).await, expected, "{at} {bad}");
    }
}

#[tokio::test]
async fn an_audit_entry_cannot_be_sent() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let data = json!({ "agent_id": "nova", "event_type": "config_change", "details": { "who": "someone" } });
    let forged = event("1", "agent.activity", noon(), data);
    assert_eq!(outcome(&caller, &forged).await, ["reserved", "body.0.data.event_type reserved"]);
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
        (entry("5"), "/data/details", details(8192), details(8193), "too_long"),
        (entry("6"), "/data/details", json!({ "a": [1, { "b": null }] }), json!([]), "object_type"),
        (entry("7"), "/data/event_type", json!("cron_execution"), json!("cron\texecution"), "id"),
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
        (report("14"), "/data/node_id", json!("n #1"), json!("n\nn"), "id"),
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
        "specversion": "2.0", "id": "a\tb", "source": "s", "type": "llm.call", "Unknown": 1, "extension1": "fine",
        "data": { "agent_id": 7, "provider": "p", "input_tokens": -1, "output_tokens": 2_000_000_000, "input_token": 1 },
    });
    let batch = json!([call("1", noon()), bad, "text", call("2", noon()), null]);
    let response = caller.post(&batch).await;
    assert_eq!((&response["accepted"], &response["duplicates"]), (&json!(2), &json!(0)));
    let rejected = response["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), 3);
    assert_eq!((&rejected[0]["index"], &rejected[0]["id"]), (&json!(1), &json!("a\tb")));
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
