//! The whole stack as a process of its own, killed with -9 at random moments while it works and started again on the
//! same folder. Whatever it has answered for is there in the end, counted once.
//!
//! `FLEETLEDGER_SEED` repeats what senders say and when the process is killed, though not what it does in between;
//! `FLEETLEDGER_ROUNDS` is how often it is killed.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod answers;
mod drift;
mod figures;
mod happening;
mod sender;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use figures::{Figures, Fold};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use sender::{Door, Sender};
use support::Stack;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const SENDERS: usize = 6;
const ROUNDS: u64 = 50;
/// Everything is looked at after so many rounds, and in the end.
const CHECK_EVERY: u64 = 10;
/// For how long a stack works before it is killed, in milliseconds.
const LOAD_MS: std::ops::RangeInclusive<u64> = 100..=800;
/// When a stack that is not let start is killed, in milliseconds.
const START_MS: std::ops::RangeInclusive<u64> = 0..=300;
/// How long adding up may take once nothing more is sent, and how long it may stand still in between: it takes seconds,
/// and tries again within five what has failed, but a machine may have much else to do.
const PATIENCE: Duration = Duration::from_mins(5);
const STANDSTILL: Duration = Duration::from_secs(30);

#[allow(clippy::disallowed_methods, reason = "a test's own settings")]
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} should be a whole number")))
}

/// The folder, its senders, and how to reach whatever stack runs on it.
struct World {
    dice: StdRng,
    data: tempfile::TempDir,
    client: Client,
    token: String,
    senders: Vec<Sender>,
}

#[tokio::test]
async fn killed_again_and_again_it_has_every_event_once() {
    let seed = setting("FLEETLEDGER_SEED").unwrap_or_else(rand::random);
    let rounds = setting("FLEETLEDGER_ROUNDS").unwrap_or(ROUNDS);
    println!("FLEETLEDGER_SEED={seed} FLEETLEDGER_ROUNDS={rounds}");
    let mut world = World {
        dice: StdRng::seed_from_u64(seed),
        data: tempfile::tempdir().unwrap(),
        client: Client::new(),
        token: support::token("acme"),
        senders: (1..=SENDERS).map(|number| Sender::new(number, seed)).collect(),
    };
    for round in 1..=rounds {
        world.stillborn(round);
        world.killed_under_load().await;
        if round % CHECK_EVERY == 0 || round == rounds {
            world.check(round).await;
        }
    }
}

impl World {
    fn start(&self) -> (Stack, Door) {
        let stack = Stack::start_with(self.data.path(), &["--clock", happening::CLOCK]);
        let door = Door { client: self.client.clone(), url: stack.url.clone(), token: self.token.clone() };
        (stack, door)
    }

    /// Kills stacks while they start: some at first, when there is not even a table, and some later.
    fn stillborn(&mut self, round: u64) {
        let times = if round == 1 { 3 } else { u32::from(self.dice.random_bool(0.2)) };
        for _ in 0..times {
            let moment = Duration::from_millis(self.dice.random_range(START_MS));
            Stack::kill_at_start(self.data.path(), &["--clock", happening::CLOCK], moment);
        }
    }

    async fn killed_under_load(&mut self) {
        let (stack, door) = self.start();
        let (_, enough) = watch::channel(false);
        let work = |sender: Sender| tokio::spawn(sender.work(door.clone(), enough.clone()));
        let working: Vec<_> = self.senders.drain(..).map(work).collect();
        sleep(Duration::from_millis(self.dice.random_range(LOAD_MS))).await;
        drop(stack);
        for sender in working {
            self.senders.push(sender.await.unwrap());
        }
    }

    /// Lets everything be answered and added up, and looks at it. The stack is killed after that as well.
    async fn check(&mut self, round: u64) {
        let (_stack, door) = self.start();
        for sender in std::mem::take(&mut self.senders) {
            self.senders.push(sender.finish(door.clone()).await);
        }
        let acknowledged = || self.senders.iter().flat_map(|sender| &sender.acknowledged);
        let expected = Fold::of(acknowledged()).figures();
        compare(&settled(&door, &expected).await, &expected);
        let days: BTreeSet<_> = acknowledged().flat_map(happening::Happening::days).collect();
        for day in &days {
            drift::assert_none(&door.url, "acme", day).await;
        }
        println!("round {round}: {} events, {} figures", acknowledged().count(), expected.len());
    }
}

/// The figures once they stand still, which they have to do at `expected`.
async fn settled(door: &Door, expected: &Figures) -> Figures {
    let (begun, mut changed) = (Instant::now(), Instant::now());
    let mut last = Figures::new();
    loop {
        let now = answers::figures(door).await;
        // What is counted twice comes late as well, so one look at the right figures is not enough.
        let stands = now == last;
        if (stands && now == *expected) || changed.elapsed() > STANDSTILL || begun.elapsed() > PATIENCE {
            return now;
        }
        if !stands {
            (changed, last) = (Instant::now(), now);
        }
        // Longer than it takes the stack to notice that there is more.
        sleep(Duration::from_millis(250)).await;
    }
}

fn compare(shown: &Figures, expected: &Figures) {
    let names: BTreeSet<_> = shown.keys().chain(expected.keys()).collect();
    let differing = names.into_iter().filter(|name| shown.get(*name) != expected.get(*name));
    let lines: Vec<_> = differing
        .map(|name| format!("{name}: shown {:?}, expected {:?}", shown.get(name), expected.get(name)))
        .collect();
    assert!(lines.is_empty(), "{} figures are wrong:\n{}", lines.len(), lines.join("\n"));
}
