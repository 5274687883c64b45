//! Later revisions of events, and void events.

use chrono::TimeDelta;
use futures::future::join_all;
use ledger::event::Data;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use reconcile::SETTLE;
use serde_json::{Value, json};
use store::Connection;
use web::auth::Scope;

use super::{outcome, stored, with};
use crate::support::events::{call, event};
use crate::support::{Caller, World, noon, response_of};

/// Every figure that a call, a task or a sample is part of.
const FIGURES: [&str; 14] = [
    "/v1/metrics/summary",
    "/v1/metrics/usage",
    "/v1/metrics/models",
    "/v1/metrics/instances",
    "/v1/billing",
    "/v1/billing/usage",
    "/v1/billing/usage/chart",
    "/api/cost-analysis/summary",
    "/api/cost-analysis/by-model",
    "/api/cost-analysis/agents",
    "/api/cost-analysis/unpriced",
    "/api/agents/workforce/summary",
    "/api/agents/workforce/agents",
    "/api/usage/totals",
];

async fn figures(caller: &Caller<'_>) -> Vec<Value> {
    join_all(FIGURES.map(|path| caller.get(path))).await
}

fn void(event: &Value, revision: u64) -> Value {
    with(event.clone(), "/data", json!({ "revision": revision, "void": true }))
}

/// Recomputes dirty days, and expects that no figure drifts.
async fn recompute(world: &World) {
    for request in [json!({ "do": "dirty" }), json!({ "do": "day", "org": "acme", "day": "2026-09-15" })] {
        let report = world.stack.invoke("reconcile", request).await.unwrap();
        assert_eq!(report["drift"], 0, "{report}");
    }
}

#[tokio::test]
async fn the_highest_revision_holds_whatever_arrives_first() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let revision = |id: &str, revision: u64, tokens: u64| {
        with(with(call(id, noon()), "/data/input_tokens", json!(tokens)), "/data/revision", json!(revision))
    };
    // 0.80 dollars per million tokens in, 4.00 out.
    assert_eq!(outcome(&caller, &call("a", noon())).await, ["accepted"]);
    world.stack.drain().await;
    assert_eq!(outcome(&caller, &revision("a", 5, 2000)).await, ["accepted"]);
    assert_eq!(outcome(&caller, &revision("a", 5, 2000)).await, ["duplicate"]);
    assert_eq!(outcome(&caller, &revision("a", 5, 2001)).await, ["conflict", "body.0.id conflict"]);
    assert_eq!(outcome(&caller, &revision("a", 3, 1)).await, ["superseded", "body.0.id superseded"]);
    // The first revision is a duplicate of what is stored, although another one holds.
    assert_eq!(outcome(&caller, &revision("a", 0, 7)).await, ["conflict", "body.0.id conflict"]);
    assert_eq!(outcome(&caller, &call("a", noon())).await, ["duplicate"]);
    assert_eq!(outcome(&caller, &revision("a", 7, 4000)).await, ["accepted"]);
    assert_eq!(outcome(&caller, &revision("b", 2, 3000)).await, ["accepted"]);
    assert_eq!(outcome(&caller, &call("b", noon())).await, ["superseded", "body.0.id superseded"]);
    world.stack.drain().await;
    let summary = caller.get("/v1/metrics/summary").await;
    let expected = [json!(2), json!(7000), json!(400), json!("0.0072")];
    let names = ["total_requests", "total_tokens_in", "total_tokens_out", "estimated_cost_usd"];
    assert_eq!(names.map(|name| summary[name].clone()), expected);
    assert_eq!(stored(&world).await.len(), 4, "every revision that held is kept");
    recompute(&world).await;
    assert_eq!(caller.get("/v1/metrics/summary").await, summary);
}

#[tokio::test]
async fn a_void_event_leaves_no_figure_and_the_raw_event_stays() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let kept = with(call("kept", noon()), "/data/end_user", json!("ada"));
    let sent =
        with(with(call("x", noon()), "/data/end_user", json!("bob")), "/data/model", json!("in-house"));
    caller.record(&[kept]).await;
    let before = figures(&caller).await;
    caller.record(std::slice::from_ref(&sent)).await;
    assert_ne!(figures(&caller).await, before);
    caller.record(&[void(&sent, 1)]).await;
    // Numbers are right at once. Sets of end users and rows of unpriced calls follow when the day is recomputed.
    assert_eq!(caller.get(FIGURES[0]).await, before[0]);
    recompute(&world).await;
    assert_eq!(figures(&caller).await, before);
    let events = stored(&world).await;
    let is_first = |event: &&ledger::event::Event| matches!(&event.data, Data::LlmCall(call) if call.model.as_str() == "in-house");
    assert_eq!((events.len(), events.iter().filter(is_first).count()), (3, 1));
    // A void event that comes first takes out what comes after it.
    let late = call("late", noon());
    caller.record(&[void(&late, 9)]).await;
    assert_eq!(outcome(&caller, &late).await, ["superseded", "body.0.id superseded"]);
    world.stack.drain().await;
    assert_eq!(caller.get(FIGURES[0]).await, before[0]);
    // What is void may come back.
    caller.record(&[with(late, "/data/revision", json!(10))]).await;
    assert_eq!(caller.get(FIGURES[0]).await["total_requests"], 2);
}

#[tokio::test]
async fn what_cannot_be_amended_is_refused() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let entry = json!({ "agent_id": "nova", "event_type": "tool_call", "revision": 1 });
    let entry = event("1", "agent.activity", noon(), entry);
    assert_eq!(outcome(&caller, &entry).await, ["invalid", "body.0.data.revision not_amendable"]);
    let report = event("1", "host.report", noon(), json!({ "void": true, "revision": 1 }));
    assert_eq!(outcome(&caller, &report).await, ["invalid", "body.0.data.revision not_amendable"]);
    let without = with(call("1", noon()), "/data", json!({ "void": true }));
    assert_eq!(outcome(&caller, &without).await, ["invalid", "body.0.data.revision missing"]);
    // A revision does not move an event.
    let later =
        with(with(call("3", noon()), "/time", json!("2026-09-15T10:00:00Z")), "/data/revision", json!(1));
    assert_eq!(outcome(&caller, &call("3", noon())).await, ["accepted"]);
    let response = caller.post(&json!([later])).await;
    assert_eq!(
        (&response["accepted"], &response["warnings"][0]["loc"]),
        (&json!(1), &json!(["body", 0, "time"]))
    );
    // A call stays a call, and keeps its cost, also after it was void.
    let sent = call("2", noon());
    assert_eq!(outcome(&caller, &sent).await, ["accepted"]);
    let task = event("2", "task.completed", noon(), json!({ "agent_id": "nova", "revision": 2 }));
    assert_eq!(outcome(&caller, &task).await, ["conflict", "body.0.id conflict"]);
    assert_eq!(outcome(&caller, &void(&sent, 1)).await, ["accepted"]);
    assert_eq!(outcome(&caller, &task).await, ["conflict", "body.0.id conflict"]);
    // A revision that cannot be read does not cost the call.
    let response = caller.post(&json!([with(call("1", noon()), "/data/revision", json!("two"))])).await;
    assert_eq!((&response["accepted"], &response["warnings"][0]["type"]), (&json!(1), &json!("int_type")));
}

/// An event is amended at most 100 times: each revision reads all before it.
#[tokio::test]
async fn the_number_of_amendments_is_limited() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let revisions = |range: std::ops::Range<u64>| -> Vec<Value> {
        range.map(|n| with(call("1", noon()), "/data/revision", json!(n))).collect()
    };
    assert_eq!(caller.post(&json!(revisions(0..101))).await["accepted"], 101);
    let response = caller.post(&json!(revisions(101..102))).await;
    assert_eq!(response["rejected"][0]["detail"][0]["type"], "too_many_revisions");
}

/// What an amendment costs: a write unit for the amendment with both revisions, and two read units. DynamoDB charges another
/// write unit for the insert that finds the key taken, which no response reports. A request costs one write unit for its
/// source besides.
#[tokio::test]
async fn the_cost_of_an_amendment_in_capacity_units() {
    let world = World::new().await;
    let connection = Connection::new(world.stack.client().clone());
    let router = world.app_through(&connection).router(ingest::routes());
    let token = world.stack.token("acme", &[Scope::EventsWrite]).unwrap();
    let send = async |events: Value| {
        let before = connection.meter().reading();
        let request = http::Request::post("/v1/events")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(axum::body::Body::from(events.to_string())).unwrap();
        assert_eq!(response_of(router.clone(), request).await.1["accepted"], 100);
        let used = connection.meter().reading().since(before);
        (used.half_write_units, used.half_read_units)
    };
    let events = |revision: u64| -> Value {
        (0..100).map(|i| with(call(&i.to_string(), noon()), "/data/revision", json!(revision))).collect()
    };
    // The first request also reads the settings themselves.
    send((100..200).map(|i| call(&i.to_string(), noon())).collect()).await;
    let first = send(events(0)).await;
    let amended = send(events(1)).await;
    println!("100 events: {first:?} half units written and read; 100 amendments: {amended:?}");
    assert_eq!(first, (202, 2));
    assert_eq!(amended, (202, 402));
}

const AGENTS: [&str; 3] = ["nova", "atlas", "rigel"];

/// A revision of one of a few events.
fn random_event() -> impl Strategy<Value = Value> {
    let call = (0..3_usize, 0..2_usize, 0..5_u64, 0..3_usize).prop_map(|(agent, model, tokens, user)| {
        let (agent, model) = (AGENTS[agent], ["claude-haiku-3.5", "in-house"][model]);
        let mut data = json!({
            "agent_id": agent, "provider": "anthropic", "model": model,
            "input_tokens": 1000 * tokens, "output_tokens": 10, "latency_ms": 100 * tokens,
        });
        if user > 0 {
            data["end_user"] = Value::from(["", "ada", "bob"][user]);
        }
        ("llm.call", data)
    });
    let task = (0..3_usize, 0..50_u64).prop_map(|(agent, minutes)| {
        let data = json!({ "agent_id": AGENTS[agent], "minutes_saved": minutes });
        ("task.completed", data)
    });
    let what = prop_oneof![4 => call.prop_map(Some), 1 => task.prop_map(Some), 1 => Just(None)];
    (0..6_u32, 0..4_u64, what).prop_map(|(id, revision, what)| {
        // Tasks and calls have ids of their own. A void event has to have a revision above 0.
        let (kind, mut data) = what.unwrap_or(("llm.call", json!({ "void": true })));
        let revision = if data["void"] == true { revision + 1 } else { revision };
        data["revision"] = json!(revision);
        event(&format!("{kind}-{id}"), kind, noon() - TimeDelta::hours(1), data)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// In whatever order and batches revisions are sent, and repeated, the figures are those of the highest ones alone.
    #[test]
    fn figures_are_those_of_the_highest_revisions(
        sent in prop::collection::vec(random_event(), 1..30), seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            // One content for each revision: which of two would be stored depends on the order.
            let key = |event: &Value| (event["id"].to_string(), event["data"]["revision"].as_u64());
            let by_revision: std::collections::BTreeMap<_, _> = sent.iter().map(|event| (key(event), event)).collect();
            let mut highest = std::collections::BTreeMap::new();
            for ((id, _), event) in &by_revision {
                highest.insert(id, *event);
            }
            let mut order: Vec<&Value> = by_revision.values().chain(by_revision.values()).copied().collect();
            let mut random = StdRng::seed_from_u64(seed);
            order.shuffle(&mut random);

            let (world, other) = (World::new().await, World::new().await);
            let (caller, expected) = (world.caller("acme"), other.caller("acme"));
            // Agents are known by their first event, even if that is void later.
            let agents = json!(AGENTS.map(|agent| {
                event(agent, "llm.call", noon(), json!({ "agent_id": agent, "provider": "p", "model": "m",
                    "input_tokens": 0, "output_tokens": 0 }))
            }));
            for caller in [&caller, &expected] {
                caller.post(&agents).await;
            }
            for batch in order.chunks(4) {
                let response = caller.post(&json!(batch)).await;
                for rejected in response["rejected"].as_array().unwrap() {
                    prop_assert_eq!(&rejected["code"], "superseded");
                }
                if seed % 3 == 0 {
                    world.stack.drain().await;
                }
            }
            world.stack.drain().await;
            let real: Vec<_> = highest.values().filter(|event| event["data"]["void"] != true).collect();
            expected.post(&json!(real)).await;
            other.stack.drain().await;
            recompute(&world).await;
            prop_assert_eq!(figures(&caller).await, figures(&expected).await);
            // Recomputing everything changes nothing more.
            world.stack.clock().set(noon() + SETTLE + TimeDelta::minutes(1));
            let seal = json!({ "do": "day", "org": "acme", "day": "2026-09-15", "seal": true });
            let report = world.stack.invoke("reconcile", seal).await.unwrap();
            prop_assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{}", report);
            Ok(())
        })?;
    }
}
