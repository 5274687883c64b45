//! The cost of reconciling a large day: memory, which must not grow with the events, read units and time. Prints them:
//! `FLEETLEDGER_EVENTS=200000 cargo test -p system-tests -- --ignored --nocapture large_day`.

use std::time::Instant;

use chrono::TimeDelta;
use futures::stream::{self, StreamExt};
use ledger::event::{Data, Event};
use ledger::ids::Label;
use local::stack::AllTables;
use serde_json::json;
use store::events::{INSERT_BATCH, Inserted, RawEvent};

use super::ReconcileFixture;
use crate::support::tables::call;
use crate::support::{World, noon};

const AGENTS: usize = 100;
const MODELS: usize = 3;
const USERS: usize = 2_000;
/// Parallel inserts.
const IN_FLIGHT: usize = 8;

#[allow(clippy::disallowed_methods, reason = "the size of a measurement is no configuration of the system")]
fn events() -> usize {
    std::env::var("FLEETLEDGER_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(50_000)
}

fn nth(i: usize) -> Event {
    let (agent, model) = (i % AGENTS, i % MODELS);
    let mut event =
        call(i, &format!("agent-{agent}"), &format!("claude-sonnet-4-{model}"), "0.0123456789", noon());
    if let Data::LlmCall(call) = &mut event.data {
        call.end_user = Label::new(format!("user-{}", i % USERS)).ok();
        call.latency_ms = Some(1_234);
    }
    event
}

async fn insert(store: &AllTables, events: std::ops::Range<usize>) {
    let batches: Vec<_> = events.step_by(INSERT_BATCH).collect();
    let inserts = batches.into_iter().map(|from| async move {
        let raw: Vec<_> = (from..from + INSERT_BATCH)
            .map(|i| RawEvent::new(&nth(i), [0; 8], noon(), 400).unwrap())
            .collect();
        let stored = store.events.insert_events(&raw.iter().collect::<Vec<_>>()).await.unwrap();
        assert!(stored.iter().all(|one| *one == Inserted::Stored));
    });
    stream::iter(inserts).buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await;
}

/// The peak memory of this process since the last call, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // Reset the peak.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak / 1024
}

#[tokio::test]
#[ignore = "a measurement"]
async fn a_large_day_takes_no_more_memory_than_a_small_one() {
    let fixture = ReconcileFixture::over(World::new().await);
    let all = events() / INSERT_BATCH * INSERT_BATCH;
    let small = all / 10 / INSERT_BATCH * INSERT_BATCH;
    for (from, to) in [(0, small), (small, all)] {
        insert(fixture.world.stack.tables(), from..to).await;
        fixture.wait(TimeDelta::hours(1));
        peak();
        let begun = Instant::now();
        let report = fixture.reconcile("acme", "2026-09-15", "").await;
        let (seconds, peak) = (begun.elapsed(), peak());
        assert_eq!(report["events"], json!(to));
        println!(
            "{to} events: {seconds:?}, {peak} MB at most, {} half read units",
            report["half_read_units"]
        );
    }
}
