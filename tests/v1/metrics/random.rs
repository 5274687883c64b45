//! Random events in random batches, some of them repeated: all four endpoints are compared with an independent fold.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::events::{RandomCall, random_call};
use crate::support::oracle::{Expected, Figures};
use crate::support::{Caller, World, noon};

/// Compares every endpoint with the expected figures of a window.
async fn check(caller: &Caller<'_>, calls: &[RandomCall], days: u64) {
    let expected = Expected::of(calls, noon(), days);
    let get = |path: &str| format!("/v1/metrics/{path}?days={days}");
    check_summary(&caller.get(&get("summary")).await, &expected, days);
    check_usage(&caller.get(&get("usage")).await, &expected, days);
    check_models(&caller.get(&get("models")).await, &expected);
    check_instances(&caller.get(&get("instances")).await, &expected);
}

fn check_summary(summary: &Value, expected: &Expected, days: u64) {
    let total = &expected.total;
    assert_eq!(
        *summary,
        json!({
            "active_instances": expected.by_agent.len(),
            "estimated_cost_usd": total.cost(),
            "period_days": days,
            "total_requests": total.requests,
            "total_tokens": total.tokens_in + total.tokens_out,
            "total_tokens_in": total.tokens_in,
            "total_tokens_out": total.tokens_out,
            "unique_models": expected.models().len(),
            "unpriced_requests": total.unpriced,
        })
    );
}

fn check_usage(usage: &Value, expected: &Expected, days: u64) {
    let first = noon().date_naive() - chrono::Days::new(days - 1);
    let points: Vec<_> = (0..days)
        .map(|i| {
            let date = first + chrono::Days::new(i);
            let day = expected.by_day.get(&date).cloned().unwrap_or_default();
            json!({
                "date": date.to_string(),
                "estimated_cost_usd": day.cost(),
                "requests": day.requests,
                "tokens_in": day.tokens_in,
                "tokens_out": day.tokens_out,
                "unpriced_requests": day.unpriced,
            })
        })
        .collect();
    let unpriced: u64 = points.iter().map(|point| point["unpriced_requests"].as_u64().unwrap()).sum();
    assert_eq!(*usage, json!({ "period_days": days, "points": points, "unpriced_requests": unpriced }));
}

/// A percentage with one decimal, rounded half-even, in integer arithmetic.
fn percent(part: u64, whole: u64) -> Value {
    if whole == 0 {
        return json!(0);
    }
    let (tenths, rest) = (part * 1000 / whole, part * 1000 % whole);
    let up = rest * 2 > whole || (rest * 2 == whole && tenths % 2 == 1);
    let tenths = tenths + u64::from(up);
    serde_json::from_str(&if tenths % 10 == 0 {
        format!("{}", tenths / 10)
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    })
    .unwrap()
}

fn busiest_first<K: Clone + Ord>(figures: impl Iterator<Item = (K, Figures)>) -> Vec<(K, Figures)> {
    let mut rows: Vec<_> = figures.collect();
    rows.sort_by(|(a, x), (b, y)| y.requests.cmp(&x.requests).then_with(|| a.cmp(b)));
    rows
}

fn check_models(models: &Value, expected: &Expected) {
    let rows: Vec<_> = busiest_first(expected.by_model.clone().into_iter())
        .into_iter()
        .map(|((provider, model), figures)| {
            json!({
                "estimated_cost_usd": figures.cost(),
                "model": model,
                "pct_of_total": percent(figures.requests, expected.total.requests),
                "provider": provider,
                "request_count": figures.requests,
                "tokens_in": figures.tokens_in,
                "tokens_out": figures.tokens_out,
                "unpriced_requests": figures.unpriced,
            })
        })
        .collect();
    let (requests, unpriced) = (expected.total.requests, expected.total.unpriced);
    assert_eq!(*models, json!({ "models": rows, "total_requests": requests, "unpriced_requests": unpriced }));
}

fn check_instances(instances: &Value, expected: &Expected) {
    let rows: Vec<_> = busiest_first(expected.by_agent.clone().into_iter())
        .into_iter()
        .map(|(agent, figures)| {
            json!({
                "estimated_cost_usd": figures.cost(),
                "hostname": agent,
                "instance_id": agent,
                "request_count": figures.requests,
                "status": "online",
                "total_tokens": figures.tokens_in + figures.tokens_out,
                "unpriced_requests": figures.unpriced,
            })
        })
        .collect();
    let unpriced = expected.total.unpriced;
    assert_eq!(
        *instances,
        json!({ "instances": rows, "total_count": rows.len(), "unpriced_requests": unpriced })
    );
}

/// Sends `calls` in batches of the given sizes, then once more those that `again` selects.
async fn send(world: &World, caller: &Caller<'_>, calls: &[RandomCall], sizes: &[usize], again: &[bool]) {
    let events: Vec<_> =
        calls.iter().enumerate().map(|(i, call)| call.event(&i.to_string(), noon())).collect();
    let mut left = events.as_slice();
    for size in sizes.iter().cycle() {
        if left.is_empty() {
            break;
        }
        let (batch, rest) = left.split_at((*size).min(left.len()));
        let response = caller.post(&json!(batch)).await;
        assert_eq!(response, json!({ "accepted": batch.len(), "duplicates": 0, "rejected": [] }));
        if size % 2 == 0 {
            world.stack.drain().await;
        }
        left = rest;
    }
    let resent: Vec<_> =
        events.iter().zip(again.iter().cycle()).filter(|(_, again)| **again).map(|(e, _)| e).collect();
    for batch in resent.chunks(500) {
        let response = caller.post(&json!(batch)).await;
        assert_eq!(response, json!({ "accepted": 0, "duplicates": batch.len(), "rejected": [] }));
    }
    world.stack.drain().await;
}

#[test]
fn all_four_endpoints_agree_with_the_fold_over_raw_events() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next_org = AtomicU32::new(0);
    let strategy = (
        prop::collection::vec(random_call(), 1..120),
        prop::collection::vec(1_usize..60, 1..5),
        prop::collection::vec(any::<bool>(), 1..10),
    );
    let config = Config { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(calls, sizes, again)| {
        // Organizations share the tables and the aggregator, nothing else.
        let org = format!("org-{}", next_org.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(async {
            let caller = world.caller(&org);
            send(&world, &caller, &calls, &sizes, &again).await;
            for days in [7, 30, 90] {
                check(&caller, &calls, days).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
    // A redelivery of everything changes nothing.
    runtime.block_on(world.stack.redeliver());
}

#[test]
fn ten_thousand_events_with_a_tenth_of_them_repeated() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let strategy = prop::collection::vec(random_call(), 10_000);
    let mut runner = TestRunner::deterministic();
    let calls = strategy.new_tree(&mut runner).unwrap().current();
    runtime.block_on(async {
        let world = World::new().await;
        let caller = world.caller("acme");
        let again: Vec<_> = (0..10).map(|i| i == 0).collect();
        send(&world, &caller, &calls, &[500, 333, 498], &again).await;
        check(&caller, &calls, 90).await;
        world.stack.redeliver().await;
        check(&caller, &calls, 90).await;
    });
}
