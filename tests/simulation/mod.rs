//! The pipeline under everything that can happen to it, as often as one likes, decided by one number.
//!
//! Ingest, aggregator, registry and metrics run unchanged, by way of the SDK, over the table engine in memory. Around
//! them stand senders that repeat and contradict themselves, and the event source mapping as AWS documents it. A run
//! is decided by its seed alone, so that one that fails can be watched again:
//!
//! ```text
//! FLEETLEDGER_SEED=123 cargo test -p system-tests -- simulation::replay --nocapture
//! FLEETLEDGER_SEEDS=20000 cargo test -p system-tests -- simulation::whatever_happens
//! ```

mod act;
mod check;
mod deliver;
mod digits;
mod end;
pub mod engine;
mod faults;
mod feed;
mod items;
mod messages;
mod mutant;
mod redo;
mod run;
mod senders;
pub mod service;
mod stream;
mod twice;
pub mod wire;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use mutant::Mutant;
use run::Run;

/// What a check comes to: nothing, or what does not hold.
type Held<T = ()> = Result<T, String>;

/// Seeds of an ordinary test.
const SEEDS: u64 = 300;
/// Threads that they are spread over.
const THREADS: usize = 2;
/// Seeds within which every known mistake has to be noticed.
const MUTANT_SEEDS: u64 = 200;

#[allow(
    clippy::disallowed_methods,
    reason = "which runs there are is not for the system's own configuration"
)]
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} should be a number")))
}

/// What has to have happened in an ordinary test, so that nobody takes for proven what was never tried.
const KINDS: [&str; 36] = [
    "Answer",
    "Change",
    "Check",
    "Crash",
    "Deliver",
    "Expire",
    "Forsake",
    "Haunt",
    "NewStream",
    "Poison",
    "Reconcile",
    "Release",
    "Replay",
    "Send",
    "Split",
    "Wait",
    // What became of requests.
    "AnswerLost",
    "Doubtful",
    "Fine",
    "InPart",
    "RequestLost",
    "Throttled",
    // A condition did not hold, and a delivery was taken in part.
    "Refused",
    "InPartDelivered",
    "Expired",
    // What reconcile found, and a day that was dirty in the end.
    "Repaired",
    "Redone",
    "Rewritten",
    // What ingest answered.
    "200",
    "503",
    "conflict",
    "duplicate",
    "in_future",
    "invalid",
    "too_old",
    "unavailable",
];

/// A run that is over.
struct Played {
    trace: Vec<String>,
    happened: BTreeMap<String, u64>,
    held: Held,
}

/// Plays the run of a seed.
fn play(seed: u64, mutant: Option<Mutant>) -> Played {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut run = Run::new(seed, mutant);
    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run.play())));
    let held = played.unwrap_or_else(|_| Err("the simulation itself panicked".to_owned()));
    Played { trace: run.trace, happened: run.happened, held }
}

/// The first of the seeds from 1 to `seeds` whose run fails, and why.
fn first_failure(seeds: u64, mutant: Option<Mutant>) -> Option<(u64, String)> {
    (1..=seeds).find_map(|seed| Some((seed, play(seed, mutant).held.err()?)))
}

/// Plays seeds until there are no more, or one fails: what happened, and which failed and why.
fn play_all(next: &AtomicU64, seeds: u64) -> (BTreeMap<String, u64>, Option<(u64, String)>) {
    let mut happened = BTreeMap::new();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > seeds {
            return (happened, None);
        }
        let played = play(seed, None);
        for (kind, times) in played.happened {
            *happened.entry(kind).or_default() += times;
        }
        if let Err(why) = played.held {
            next.store(seeds + 1, Ordering::Relaxed);
            return (happened, Some((seed, why)));
        }
    }
}

#[test]
fn whatever_happens_each_event_counts_once() {
    let seeds = number("FLEETLEDGER_SEEDS").unwrap_or(SEEDS);
    let (next, start) = (AtomicU64::new(1), Instant::now());
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| play_all(&next, seeds))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut happened: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, times) in results.iter().flat_map(|(happened, _)| happened) {
        *happened.entry(kind.clone()).or_default() += times;
    }
    if let Some((seed, why)) = results.into_iter().filter_map(|(_, failed)| failed).min() {
        panic!(
            "FLEETLEDGER_SEED={seed} cargo test -p system-tests -- simulation::replay --nocapture  # {why}"
        );
    }
    println!("{seeds} seeds in {:?}: {happened:?}", start.elapsed());
    let never: Vec<_> = KINDS.into_iter().filter(|kind| !happened.contains_key(*kind)).collect();
    assert!(seeds < SEEDS || never.is_empty(), "never happened: {never:?}");
}

#[test]
fn replay() {
    let played = play(number("FLEETLEDGER_SEED").unwrap_or(1), None);
    println!("{}", played.trace.join("\n"));
    played.held.unwrap();
}

#[test]
fn a_seed_decides_everything() {
    for seed in 1..=10 {
        let (first, second) = (play(seed, None), play(seed, None));
        let same = first.trace.iter().zip(&second.trace).take_while(|(a, b)| a == b).count();
        assert_eq!(first.trace.get(same), second.trace.get(same), "seed {seed}, line {same}");
        assert_eq!(first.held, second.held, "{seed}");
    }
}

#[test]
fn every_known_mistake_is_noticed() {
    thread::scope(|scope| {
        let search = |mutant| scope.spawn(move || (mutant, first_failure(MUTANT_SEEDS, Some(mutant))));
        for (mutant, failure) in Mutant::ALL.map(search).map(|search| search.join().unwrap()) {
            let (seed, why) = failure.unwrap_or_else(|| panic!("{mutant:?} went unnoticed"));
            println!("{mutant:?}: noticed by seed {seed}: {why}");
        }
    });
}
