//! Made-up models, tiers, units and labels: totals stay exact, what an item has no room for is counted as `(other)`, and
//! nobody else waits for it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reconcile::{Reconciler, SETTLE};
use runtime::config::DEFAULT_EVENT_RETENTION_DAYS;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use store::keys::MAX_END_USERS;

use crate::support::events::{call, event};
use crate::support::tables::reconcile_of;
use crate::support::{World, noon};

const CALLS: usize = 10_000;
/// Calls in one request.
const BATCH: usize = 500;

/// A call of a model that no other call names, with whatever else may be made up.
fn made_up(rng: &mut StdRng, nth: usize) -> Value {
    let long = "é".repeat(rng.random_range(0..100));
    let mut data = json!({
        "agent_id": format!("agent-{}", nth % 3), "provider": format!("provider {nth}"),
        "model": format!("model {nth} {long}"), "input_tokens": rng.random_range(0..300_000_u64),
        "output_tokens": rng.random_range(0..9_000), "cache_read_tokens": 1, "cache_write_1h_tokens": nth,
        "latency_ms": 7, "cost_usd": format!("0.{:012}", nth + 1), "end_user": format!("user {nth}"),
        "task_type": format!("ticket {nth}"), "service_tier": format!("tier {nth}"), "region": format!("region {nth}"),
        "units": { format!("unit {nth}"): 1, "web_search": nth % 5, "pages": 3 },
    });
    if nth.is_multiple_of(3) {
        data["status"] = json!("error");
    }
    event(&format!("made-up-{nth}"), "llm.call", noon(), data)
}

fn decimal(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap()
}

fn sum(rows: &Value, name: &str) -> Decimal {
    rows.as_array().unwrap().iter().map(|row| decimal(&row[name])).sum()
}

/// Compares all totals with what was sent: `calls` made-up calls, the nth of which costs n picodollars.
async fn check_totals(world: &World, calls: usize) {
    let caller = world.caller("acme");
    let summary = caller.get("/v1/metrics/summary").await;
    let cost = Decimal::new(i64::try_from(calls * (calls + 1) / 2).unwrap(), 12).normalize();
    assert_eq!(decimal(&summary["estimated_cost_usd"]), cost);
    assert_eq!(summary["total_requests"], calls);

    let models = caller.get("/v1/metrics/models").await;
    assert_eq!(models["total_requests"], calls);
    let names: BTreeSet<_> =
        models["models"].as_array().unwrap().iter().map(|row| &row["model"]).map(Value::to_string).collect();
    assert!(names.contains("\"(other)\""), "{} models", names.len());
    assert!((100..2_000).contains(&names.len()), "{}", names.len());
    for (rows, requests, spent) in [
        (&models["models"], "request_count", "estimated_cost_usd"),
        (&caller.get("/v1/metrics/instances").await["instances"], "request_count", "estimated_cost_usd"),
        (&caller.get("/v1/metrics/usage").await["points"], "requests", "estimated_cost_usd"),
        (&caller.get("/v1/billing/usage").await["by_instance"], "requests", "cost_usd"),
    ] {
        assert_eq!((sum(rows, requests), sum(rows, spent)), (calls.into(), cost));
    }
    let by_model = caller.get("/api/cost-analysis/by-model").await;
    let rows = by_model.get("models").unwrap_or(&by_model).to_string();
    assert!(rows.contains("(other)"), "{rows}");
    let billing = caller.get("/v1/billing").await;
    assert_eq!(billing["usage"]["unique_end_users"], calls);
    assert_eq!(world.stack.tables().usage.status().await.unwrap().quarantine.count, 0);
}

async fn reconcile(world: &World, seal: bool) -> Value {
    let clock = world.stack.clock().clone();
    let reconciler = Reconciler::new(reconcile_of(world.stack.tables()), clock, DEFAULT_EVENT_RETENTION_DAYS);
    let event = json!({ "do": "day", "org": "acme", "day": "2026-09-15", "repair": true, "seal": seal });
    reconciler.handle(event, std::time::Duration::from_mins(15)).await.unwrap()
}

#[tokio::test]
async fn ten_thousand_made_up_models_hide_no_money_and_hold_up_nobody() {
    let world = World::new().await;
    let mut rng = StdRng::seed_from_u64(1);
    for first in (0..CALLS).step_by(BATCH) {
        let calls: Vec<_> = (first..first + BATCH).map(|nth| made_up(&mut rng, nth)).collect();
        world.caller("acme").post(&json!(calls)).await;
        world.caller("calm").post(&json!([call(&first.to_string(), noon())])).await;
        world.stack.drain().await;
        let calm = world.caller("calm").get("/v1/metrics/summary").await;
        assert_eq!(calm["total_requests"], first / BATCH + 1);
    }
    check_totals(&world, CALLS).await;

    world.stack.clock().set(noon() + SETTLE + TimeDelta::seconds(1));
    let report = reconcile(&world, false).await;
    assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
    reconcile(&world, true).await;
    assert_eq!(reconcile(&world, true).await["half_write_units"], 0);
    check_totals(&world, CALLS).await;

    // A model that is made up after the day was sealed.
    world.caller("acme").record(&[made_up(&mut rng, CALLS)]).await;
    let report = reconcile(&world, false).await;
    assert!(report["repaired"].as_u64() > Some(0), "{report}");
    check_totals(&world, CALLS + 1).await;
}

#[tokio::test]
async fn made_up_activity_types_are_counted_and_found() {
    let world = World::new().await;
    let entry = |nth: usize| {
        let kind = format!("{}-{nth}", "k".repeat(100));
        let time = noon() - TimeDelta::hours(2);
        event(
            &format!("{nth}"),
            "agent.activity",
            time,
            json!({ "agent_id": "nova", "event_type": kind, "details": {} }),
        )
    };
    let caller = world.caller("acme");
    for first in (0..4_000).step_by(BATCH) {
        caller.record(&(first..first + BATCH).map(entry).collect::<Vec<_>>()).await;
    }
    assert_eq!(caller.get("/api/activity").await["pagination"]["total"], 4_000);
    assert_eq!(caller.get("/api/activity?agentId=nova").await["pagination"]["total"], 4_000);
    for nth in [0, 3_999] {
        let kind = format!("{}-{nth}", "k".repeat(100));
        for filter in [format!("eventType={kind}"), format!("eventType={kind}&agentId=nova")] {
            let page = caller.get(&format!("/api/activity?{filter}")).await;
            assert_eq!(
                (&page["pagination"]["total"], &page["data"][0]["eventType"]),
                (&json!(1), &json!(kind))
            );
        }
    }
    assert_eq!(world.stack.tables().usage.status().await.unwrap().quarantine.count, 0);
}

#[tokio::test]
async fn a_full_bucket_of_end_users_takes_no_more_and_is_no_drift() {
    use ledger::calendar::Generation;
    use ledger::ids::OrgId;
    use ledger::period::Day;
    use ledger::rollup::EndUser;
    use store::keys::Keyed;

    let world = World::new().await;
    let (org, day) = (OrgId::new("acme").unwrap(), Day::parse("2026-09-15").unwrap());
    let user = EndUser::new(&org, Generation::FIRST, day, "one");
    let more: BTreeSet<[u8; 8]> = (0..MAX_END_USERS as u64).map(u64::to_be_bytes).collect();
    let usage = &world.stack.tables().usage;
    assert!(usage.add_end_users(&user.key(), &more).await.unwrap());
    assert!(!usage.add_end_users(&user.key(), &[user.hash].into()).await.unwrap());
    let mut event = call("1", noon());
    event["data"]["end_user"] = json!("one");
    world.caller("acme").record(&[event]).await;
    assert_eq!(usage.status().await.unwrap().quarantine.count, 0);
    let billing = world.caller("acme").get("/v1/billing").await;
    assert_eq!(billing["usage"]["unique_end_users"], MAX_END_USERS);
}
