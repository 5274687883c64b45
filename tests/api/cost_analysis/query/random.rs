//! Random questions about random events, in zones with clock changes: every answer is that of an independent fold.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reconcile::{CompactionPolicy, Reconciler};
use runtime::clock::Clock;
use serde_json::{Value, json};

use super::expected::answer;
use super::question::{LABELS, Question, question};
use super::sent::{Sent, sent};
use crate::api::cost_analysis::{PATH, at, set};
use crate::support::tables::reconcile_of;
use crate::support::zones::{NOWS, ZONES, Zone};
use crate::support::{Caller, World};

#[derive(Clone, Debug)]
struct Case {
    zone: Zone,
    now: DateTime<Utc>,
    sent: Vec<Sent>,
    departments: BTreeMap<u8, String>,
    /// Dimensions that the organization tracks.
    tracked: Vec<&'static str>,
    questions: Vec<Question>,
}

fn case() -> impl Strategy<Value = Case> {
    (0..ZONES.len(), prop::sample::select(NOWS.to_vec())).prop_flat_map(|(zone, now)| {
        let (zone, now) = (ZONES[zone].clone(), at(now));
        let departments = prop::sample::select(vec!["Sales".to_owned(), "Research".to_owned()]);
        (
            Just(zone.clone()),
            Just(now),
            prop::collection::vec(sent(now), 0..50),
            prop::collection::btree_map(0_u8..6, departments, 0..4),
            // Raw events tell the names of end users.
            prop::sample::subsequence([&LABELS[..1], &LABELS[2..]].concat(), 0..=3),
            prop::collection::vec(question(&zone, now), 20),
        )
            .prop_map(|(zone, now, sent, departments, tracked, questions)| Case {
                zone,
                now,
                sent,
                departments,
                tracked,
                questions,
            })
    })
}

/// All pages of an answer: its rows, and the totals that every page repeats.
async fn pages(caller: &Caller<'_>, question: &Question) -> (Vec<Value>, Value) {
    let (mut rows, mut totals, mut cursor) = (Vec::new(), None, String::new());
    loop {
        let page = caller.get(&format!("{PATH}/query?{}{cursor}", question.query())).await;
        let groups = page["rows"].as_array().unwrap();
        let mut distinct: Vec<_> = groups.iter().map(|row| row["group"].to_string()).collect();
        distinct.dedup();
        assert!(distinct.len() <= question.limit);
        rows.extend(groups.iter().cloned());
        assert_eq!(totals.get_or_insert_with(|| page["totals"].clone()), &page["totals"]);
        let Some(next) = page["pagination"]["nextCursor"].as_str() else { break };
        assert_eq!(distinct.len(), question.limit);
        cursor = format!("&cursor={next}");
    }
    (rows, totals.unwrap())
}

async fn check(world: &World, reconciler: &Reconciler, caller: &Caller<'_>, case: &Case) {
    let organization = json!({ "timezone": case.zone.name, "dimensions": case.tracked });
    set(caller, "/api/organization", &organization).await;
    for (agent, department) in &case.departments {
        set(caller, &format!("/api/agents/agent-{agent}"), &json!({ "department": department })).await;
    }
    let events: Vec<_> = case.sent.iter().enumerate().map(|(i, sent)| sent.event(&i.to_string())).collect();
    let (before, after) = events.split_at(events.len() / 2);
    caller.record(before).await;
    world.stack.drain().await;
    // Some pages are merged into packs and blocks, the others are read beside them.
    reconciler.handle(json!({ "do": "compact" }), Duration::from_mins(5)).await.unwrap();
    caller.record(after).await;
    world.stack.drain().await;
    for question in &case.questions {
        let query = question.query();
        if !question.is_answered(&case.tracked) {
            let response = caller.try_get(&format!("{PATH}/query?{query}")).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert_eq!(response.body["detail"][0]["type"], "range_too_long", "{query}");
            continue;
        }
        let (rows, totals) = answer(question, &case.zone, &case.sent, &case.departments, &case.tracked);
        let found = pages(caller, question).await;
        assert_eq!(found.1, totals, "{query}");
        assert_eq!(found.0.len(), rows.len(), "{query}");
        for (found, expected) in found.0.iter().zip(&rows) {
            assert_eq!(found, expected, "{query}");
        }
    }
}

#[test]
fn every_answer_agrees_with_the_fold_over_what_was_sent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::at(Clock::fixed(at(NOWS[0]))));
    // It remembers which days it has merged.
    let eager = CompactionPolicy { bytes: 0, past_bytes: 0, block_bytes: 0, is_eager: true };
    let tables = reconcile_of(world.stack.tables());
    let reconciler = Reconciler::new(tables, world.stack.clock().clone(), 400).with_policy(eager);
    let next_org = AtomicU32::new(0);
    let config = Config { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&case(), |case| {
        runtime.block_on(async {
            world.stack.clock().set(case.now);
            let name = format!("org-{}", next_org.fetch_add(1, Ordering::Relaxed));
            check(&world, &reconciler, &world.caller(&name), &case).await;
        });
        Ok(())
    });
    outcome.unwrap();
}
