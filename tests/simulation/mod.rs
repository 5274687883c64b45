//! Runs of the pipeline under random faults, each decided by its seed.
//!
//! Ingest, aggregator, reconcile, registry and metrics run unchanged. Their requests go through the SDK to the table
//! engine in memory, and may fail on the way; processes may die or be given up; senders repeat and contradict themselves;
//! and the event source mapping repeats records and changes batches as AWS documents it. After each run, every figure must
//! equal the fold over the raw events.
//!
//! | actor | file | responsibility |
//! |---|---|---|
//! | run | `run.rs` | the state of a run, and its main loop |
//! | | `actions.rs` | which actions are possible next, and how likely each is |
//! | senders | `senders.rs` | messages sent, responses received, events stored |
//! | | `messages.rs` | random events, and their comparison with stored ones |
//! | functions | `service.rs` | ingest, registry and metrics, each in its own process |
//! | | `reconciliation.rs` | invocations of reconcile |
//! | | `repricing.rs` | own prices, repricing entries, and the costs that they list |
//! | | `calendars.rs` | changes of the time zone, and the calendars that rollups are compared by |
//! | | `processes.rs` | processes that die or are given up, and their late requests |
//! | SDK | `wire.rs` | holds each request until its fate is decided |
//! | | `requests.rs` | executes requests or lets them fail |
//! | | `faults.rs` | the kinds of faults, their rates, and the resulting responses |
//! | machines | `disturbances.rs` | slow and full tables, clocks that are set, lost responses, old pollers |
//! | DynamoDB | `engine.rs` | the table engine in memory |
//! | | `table_changes.rs` | insertions and expirations as stream records, and malformed records |
//! | | `stream.rs` | streams, shards and records |
//! | | `sequence_numbers.rs` | sequence numbers of any length |
//! | Lambda | `mapping.rs` | the event source mapping: deliveries, retries, restarts |
//! | checks | `invariants.rs` | what holds at every moment |
//! | | `final_state.rs` | what holds in the end |
//! | | `chains.rs` | the same for agents' days |
//! | | `items.rs` | reads stored items without the code under test |
//! | | `mutant.rs` | known mistakes, which the checks must notice |
//! | | `repeated_event.rs` | a regression found by a run |
//!
//! Since a run follows from its seed, a failing one can be repeated:
//!
//! ```text
//! FLEETLEDGER_SEED=123 cargo test -p system-tests -- simulation::replay --nocapture
//! FLEETLEDGER_SEEDS=20000 cargo test -p system-tests -- simulation::random_faults
//! ```

mod actions;
mod calendars;
mod chains;
mod completeness;
mod disturbances;
pub mod engine;
mod faults;
mod final_state;
mod invariants;
mod items;
mod mapping;
mod messages;
mod mutant;
mod processes;
mod reconciliation;
mod repeated_event;
mod repricing;
mod requests;
mod run;
mod senders;
mod sequence_numbers;
pub mod service;
mod stream;
mod table_changes;
pub mod wire;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use chrono::TimeDelta;

use mutant::Mutant;
use run::Run;

use crate::support::noon;

/// The result of a check, with a description of what is wrong.
type CheckResult<T = ()> = Result<T, String>;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 300;
/// Threads that share the seeds.
const THREADS: usize = 2;
/// The number of seeds within which every mutant must be noticed.
const MUTANT_SEEDS: u64 = 600;

#[allow(clippy::disallowed_methods, reason = "an option of the tests, not of the system")]
fn option(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

pub fn number(variable: &str) -> Option<u64> {
    let text = option(variable)?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} should be a number")))
}

/// What must have occurred in an ordinary test run, since checks prove nothing about what never occurred.
const KINDS: [&str; 60] = [
    "HandleRequest",
    "ChangeSettings",
    "ChangePrice",
    "Reprice",
    "WithdrawRepricing",
    "ChangeZone",
    "SettleCalendars",
    "Compact",
    "Check",
    "Crash",
    "Deliver",
    "Expire",
    "ClientTimeout",
    "LateArrival",
    "NewStream",
    "InsertMalformed",
    "Reconcile",
    "Resume",
    "RestartMapping",
    "StallMapping",
    "UnstallMapping",
    "Send",
    "SplitShard",
    "Wait",
    "SlowTables",
    "FastTables",
    "FillDisk",
    "FreeDisk",
    "StepClock",
    "DeliverOldRecords",
    // Fates of requests.
    "ShortPage",
    "DiskFull",
    "ResponseLost",
    "ErrorAfterExecution",
    "Success",
    "Partial",
    "RequestLost",
    "Throttled",
    // Other outcomes of requests, deliveries and expirations.
    "ConditionFailed",
    "PartialDelivery",
    "ResponseTooLarge",
    "Expired",
    // Reconcile repaired drift, recomputed dirty days, and wrote sealed items.
    "Repaired",
    "Recomputed",
    "SealedItemWritten",
    // It merged pages of agents' days.
    "Compacted",
    // Agents' days were read from blocks.
    "Block",
    // It carried out repricing entries, or took them back.
    "Repriced",
    "RepricingDone",
    // An item got no new columns.
    "Full",
    // Days were recomputed, and shown so.
    "Built",
    "Rezoned",
    // Responses of ingest.
    "200",
    "503",
    "conflict",
    "duplicate",
    "in_future",
    "invalid",
    "too_old",
    "unavailable",
];

/// A finished run.
struct PlayedRun {
    trace: Vec<String>,
    counts: BTreeMap<String, u64>,
    /// The time that passed in it.
    simulated: TimeDelta,
    result: CheckResult,
}

/// Plays the run of a seed.
fn play(seed: u64, mutant: Option<Mutant>) -> PlayedRun {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut run = Run::new(seed, mutant);
    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run.play())));
    let result = played.unwrap_or_else(|_| Err("the simulation itself panicked".to_owned()));
    PlayedRun { trace: run.trace, counts: run.counts, simulated: run.now - noon(), result }
}

/// The first of `seeds` seeds whose run notices a mutant, with the reason.
fn first_notice(mutant: Mutant, seeds: u64) -> Option<(u64, String)> {
    let start = mutant.first_seed();
    (start..start + seeds).find_map(|seed| Some((seed, play(seed, Some(mutant)).result.err()?)))
}

/// What several runs came to: the counts, the simulated time, and the failed seed with the reason.
type Played = (BTreeMap<String, u64>, TimeDelta, Option<(u64, String)>);

/// Plays seeds until one fails or none is left.
fn play_all(next: &AtomicU64, seeds: u64) -> Played {
    let (mut counts, mut simulated) = (BTreeMap::new(), TimeDelta::zero());
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > seeds {
            return (counts, simulated, None);
        }
        let played = play(seed, None);
        simulated += played.simulated;
        for (kind, times) in played.counts {
            *counts.entry(kind).or_default() += times;
        }
        if let Err(why) = played.result {
            next.store(seeds + 1, Ordering::Relaxed);
            return (counts, simulated, Some((seed, why)));
        }
    }
}

#[test]
fn random_faults_count_each_event_once() {
    let seeds = number("FLEETLEDGER_SEEDS").unwrap_or(SEEDS);
    let (next, start) = (AtomicU64::new(1), Instant::now());
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| play_all(&next, seeds))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, times) in results.iter().flat_map(|(counts, ..)| counts) {
        *counts.entry(kind.clone()).or_default() += times;
    }
    let simulated: TimeDelta = results.iter().map(|(_, simulated, _)| *simulated).sum();
    if let Some((seed, why)) = results.into_iter().filter_map(|(.., failed)| failed).min() {
        panic!(
            "FLEETLEDGER_SEED={seed} cargo test -p system-tests -- simulation::replay --nocapture  # {why}"
        );
    }
    let elapsed = start.elapsed();
    println!("{seeds} seeds and {} simulated hours in {elapsed:?}: {counts:?}", simulated.num_hours());
    let never: Vec<_> = KINDS.into_iter().filter(|kind| !counts.contains_key(*kind)).collect();
    assert!(seeds < SEEDS || never.is_empty(), "never occurred: {never:?}");
}

#[test]
fn replay() {
    let played = play(number("FLEETLEDGER_SEED").unwrap_or(1), None);
    println!("{}", played.trace.join("\n"));
    played.result.unwrap();
}

#[test]
fn a_run_follows_from_its_seed() {
    for seed in 1..=10 {
        let (first, second) = (play(seed, None), play(seed, None));
        let same = first.trace.iter().zip(&second.trace).take_while(|(a, b)| a == b).count();
        assert_eq!(first.trace.get(same), second.trace.get(same), "seed {seed}, line {same}");
        assert_eq!(first.result, second.result, "{seed}");
    }
}

#[test]
fn every_mutant_is_noticed() {
    let seeds = number("FLEETLEDGER_SEEDS").unwrap_or(MUTANT_SEEDS);
    let only = option("FLEETLEDGER_MUTANT");
    let is_wanted = |mutant: &Mutant| only.as_ref().is_none_or(|name| *name == format!("{mutant:?}"));
    let unnoticed: Vec<_> = thread::scope(|scope| {
        let search = |mutant| {
            scope.spawn(move || {
                let failure = first_notice(mutant, seeds);
                match &failure {
                    Some((seed, why)) => println!("{mutant:?}: noticed by seed {seed}: {why}"),
                    None => println!("{mutant:?}: not noticed"),
                }
                failure.is_none().then_some(mutant)
            })
        };
        let searches: Vec<_> = Mutant::ALL.into_iter().filter(is_wanted).map(search).collect();
        searches.into_iter().filter_map(|search| search.join().unwrap()).collect()
    });
    assert!(unnoticed.is_empty(), "not noticed: {unnoticed:?}");
}
