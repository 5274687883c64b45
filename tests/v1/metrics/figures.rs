//! Figures computed by hand.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::events::{call, event};
use crate::support::{World, noon};

fn with(mut event: Value, data: &Value) -> Value {
    for (name, value) in data.as_object().unwrap() {
        event["data"][name] = value.clone();
    }
    event
}

#[tokio::test]
async fn haiku_costs_62_10_for_23_million_input_and_11_million_output_tokens() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let tokens = json!({ "input_tokens": 23_000_000, "output_tokens": 10_925_000 });
    caller.record(&[with(call("1", noon()), &tokens)]).await;
    let models = caller.get("/v1/metrics/models").await;
    assert_eq!(
        models["models"],
        json!([{
            "estimated_cost_usd": "62.10",
            "model": "claude-haiku-3.5",
            "pct_of_total": 100,
            "provider": "anthropic",
            "request_count": 1,
            "tokens_in": 23_000_000,
            "tokens_out": 10_925_000,
            "unpriced_requests": 0,
        }])
    );
    assert_eq!(caller.get("/v1/metrics/summary").await["estimated_cost_usd"], "62.10");
}

#[tokio::test]
async fn the_smallest_cost_keeps_all_its_digits() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let one = json!({ "provider": "aws", "model": "amazon.nova-micro-v1:0", "input_tokens": 1, "output_tokens": 0 });
    let own = json!({ "cost_usd": "0.000000000001", "input_tokens": 0, "output_tokens": 0 });
    caller.record(&[with(call("1", noon()), &one), with(call("2", noon()), &own)]).await;
    assert_eq!(caller.get("/v1/metrics/summary").await["estimated_cost_usd"], "0.000000035001");
}

#[tokio::test]
async fn unpriced_usage_is_counted_and_reported_as_unpriced() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let unknown = json!({ "provider": "acme", "model": "in-house" });
    caller.record(&[call("1", noon()), with(call("2", noon()), &unknown)]).await;
    let summary = caller.get("/v1/metrics/summary").await;
    assert_eq!(summary["total_requests"], 2);
    assert_eq!(summary["total_tokens"], 2400);
    assert_eq!(summary["unique_models"], 2);
    assert_eq!(summary["unpriced_requests"], 1);
    // 1,000 × 0.80 + 200 × 4.00, per million.
    assert_eq!(summary["estimated_cost_usd"], "0.0016");
    let usage = caller.get("/v1/metrics/usage?days=7").await;
    assert_eq!(usage["points"][6]["unpriced_requests"], 1);
}

#[tokio::test]
async fn a_call_is_priced_as_of_its_own_time() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let at = |id, time: &str| {
        let time = ledger::period::parse_instant(time).unwrap();
        with(
            call(id, time),
            &json!({ "provider": "aws", "model": "global.openai.gpt-5.6-sol", "input_tokens": 100_000, "output_tokens": 0 }),
        )
    };
    caller.record(&[at("1", "2026-08-20T23:59:59.999Z"), at("2", "2026-08-21T00:00:00Z")]).await;
    let usage = caller.get("/v1/metrics/usage").await;
    let cost = |date: &str| {
        let points = usage["points"].as_array().unwrap();
        points.iter().find(|point| point["date"] == date).unwrap()["estimated_cost_usd"].clone()
    };
    assert_eq!(cost("2026-08-20"), "0.50");
    assert_eq!(cost("2026-08-21"), "0.40");
}

#[tokio::test]
async fn agents_without_calls_are_not_active_and_have_no_row() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let task = event("1", "task.completed", noon(), json!({ "agent_id": "atlas", "minutes_saved": 12.5 }));
    let entry =
        json!({ "agent_id": "pulse", "event_type": "tool_call", "details": { "tool": "web_search" } });
    caller.record(&[task, event("2", "agent.activity", noon(), entry), call("3", noon())]).await;
    assert_eq!(caller.get("/v1/metrics/summary").await["active_instances"], 1);
    let instances = caller.get("/v1/metrics/instances").await;
    assert_eq!(instances["total_count"], 1);
    assert_eq!(instances["instances"][0]["instance_id"], "nova");
}

#[tokio::test]
async fn an_agent_that_called_only_outside_the_window_is_not_active() {
    let world = World::new().await;
    let caller = world.caller("acme");
    // Within the window, before it, and tomorrow, as sent by a clock that runs ahead.
    world.stack.clock().set(noon() + TimeDelta::minutes(12 * 60 - 5));
    let tomorrow = noon() + TimeDelta::hours(12);
    let of = |agent, event| with(event, &json!({ "agent_id": agent }));
    caller
        .record(&[
            of("in", call("1", noon() - TimeDelta::days(6))),
            of("before", call("2", noon() - TimeDelta::days(7))),
            of("ahead", call("3", tomorrow)),
            of("both", call("4", noon() - TimeDelta::days(6))),
            of("both", call("5", tomorrow)),
        ])
        .await;
    let summary = caller.get("/v1/metrics/summary?days=7").await;
    assert_eq!(
        (summary["active_instances"].clone(), summary["total_requests"].clone()),
        (json!(2), json!(2))
    );
    let instances = caller.get("/v1/metrics/instances?days=7").await;
    let ids: Vec<_> =
        instances["instances"].as_array().unwrap().iter().map(|row| &row["instance_id"]).collect();
    assert_eq!(ids, ["both", "in"]);
}

#[tokio::test]
async fn the_hostname_is_the_latest_one_whatever_the_order_of_arrival() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let at = |id, minutes, host: &str| {
        with(call(id, noon() - TimeDelta::minutes(minutes)), &json!({ "hostname": host }))
    };
    caller.record(&[at("1", 5, "z.example"), at("2", 3, "a.example")]).await;
    caller.record(&[at("3", 4, "y.example")]).await;
    caller.record(&[call("4", noon())]).await;
    let host = async |caller: &crate::support::Caller<'_>| {
        caller.get("/v1/metrics/instances").await["instances"][0]["hostname"].clone()
    };
    assert_eq!(host(&caller).await, "a.example");
    caller.record(&[at("5", 1, "z.example")]).await;
    assert_eq!(host(&caller).await, "z.example");
    // An agent without a hostname shows its id.
    let other = world.caller("other");
    other.record(&[call("1", noon())]).await;
    assert_eq!(host(&other).await, "nova");
}

#[tokio::test]
async fn rows_are_sorted_by_requests_then_by_name() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let calls: Vec<_> = ["b", "c", "c", "a"]
        .iter()
        .enumerate()
        .map(|(i, name)| with(call(&i.to_string(), noon()), &json!({ "agent_id": name, "model": name })))
        .collect();
    caller.record(&calls).await;
    let names = |response: &Value, list: &str, name: &str| -> Vec<String> {
        response[list].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    };
    let instances = caller.get("/v1/metrics/instances").await;
    assert_eq!(names(&instances, "instances", "instance_id"), ["c", "a", "b"]);
    let models = caller.get("/v1/metrics/models").await;
    assert_eq!(names(&models, "models", "model"), ["c", "a", "b"]);
    assert_eq!(models["models"][0]["pct_of_total"], 50);
    assert_eq!(models["models"][1]["pct_of_total"], 25);
}

#[tokio::test]
async fn no_organization_sees_another() {
    let world = World::new().await;
    world.caller("acme").record(&[call("1", noon())]).await;
    // One name is a prefix of the other.
    for other in ["acm", "acme2", "acme/x"] {
        let caller = world.caller(other);
        assert_eq!(caller.get("/v1/metrics/summary").await["total_requests"], 0);
        assert_eq!(caller.get("/v1/metrics/instances").await["total_count"], 0);
        // The same id in another organization is another event.
        caller.record(&[call("1", noon())]).await;
    }
    assert_eq!(world.caller("acme").get("/v1/metrics/summary").await["total_requests"], 1);
}
