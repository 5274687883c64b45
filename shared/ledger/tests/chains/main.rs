//! A simulation of the chains: writers, compactions, readers and repairs against a store that loses answers, shows old
//! states and is written to by processes that were given up. A run is determined by its seed alone.
//!
//! What must hold, whatever happens:
//!
//! 1. At rest, every pack with the pages that it lacks equals the fold over the raw events.
//! 2. No reader, however it reads, counts a record twice, or one that was not applied; of each chain
//!    it sees a prefix in each chunk.
//! 3. A reader that reads pages strongly sees everything that was applied before it began; so no later reader sees less.
//! 4. A reader that reads eventually sees everything that was applied before the replication lag.
//! 5. A repair mends what was broken, once.
//!
//! `FLEETLEDGER_SEEDS=1000 cargo test -p ledger --test chains -- --nocapture` runs more seeds than the 60 of the tests.

#![allow(clippy::disallowed_methods, reason = "the number of seeds is no part of a product's configuration")]

mod compactor;
mod mutant;
mod random;
mod reader;
mod reconciler;
mod rows;
mod run;
mod store;
mod world;
mod writer;

use std::time::Instant;

use mutant::Mutant;
use run::run;

fn seeds(default: u64) -> u64 {
    std::env::var("FLEETLEDGER_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(default)
}

#[test]
fn invariants_hold_over_many_seeds() {
    let (seeds, start) = (seeds(60), Instant::now());
    let mut total = world::Counts::default();
    for seed in 0..seeds {
        match run(seed, None) {
            Ok(counts) => total.add(&counts),
            Err(fault) => panic!("seed {seed}: {fault}"),
        }
    }
    println!("{seeds} seeds in {:?}: {total:?}", start.elapsed());
    assert!(total.all_happened(), "{total:?}");
}

#[test]
fn every_planted_mistake_is_found() {
    let mut missed = Vec::new();
    for mutant in Mutant::ALL.iter().copied() {
        let seeds = if mutant.is_equivalent() { seeds(60) } else { seeds(400) };
        let found = (0..seeds).find_map(|seed| Some((seed, run(seed, Some(mutant)).err()?)));
        match found {
            Some((seed, fault)) => println!("{mutant:?}: seed {seed}: {fault}"),
            None if mutant.is_equivalent() => println!("{mutant:?}: not found, as expected"),
            None => missed.push(mutant),
        }
    }
    assert!(missed.is_empty(), "{missed:?} were not found");
}
