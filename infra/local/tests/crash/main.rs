//! Runs the whole stack as a process, kills it with -9 at random moments under load and restarts it on the same folder.
//! Every event that it acknowledged must be there in the end, counted once.
//!
//! `FLEETLEDGER_SEED` repeats what is sent and when the process is killed, but not how the process schedules its work.
//! `FLEETLEDGER_ROUNDS` sets how often it is killed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod drift;
mod event;
mod expected;
mod reported;
mod sender;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use expected::{Figures, Totals};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use sender::{ApiClient, Sender};
use support::Stack;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const SENDERS: usize = 6;
const ROUNDS: u64 = 50;
/// All figures are checked after every so many rounds, and in the end.
const CHECK_EVERY: u64 = 10;
/// How long a stack works before it is killed, in milliseconds.
const LOAD_MS: std::ops::RangeInclusive<u64> = 100..=800;
/// How long after its start a stack is killed while it is still starting, in milliseconds.
const START_MS: std::ops::RangeInclusive<u64> = 0..=300;
/// How long aggregation may take once nothing more is sent, and how long it may pause in between. Normally it takes
/// seconds and retries failures within five, but the machine may be busy.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(5);
const MAX_PAUSE: Duration = Duration::from_secs(30);

#[allow(clippy::disallowed_methods, reason = "settings of this test")]
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} should be a whole number")))
}

/// The data folder, its senders, and what is needed to reach the stack that runs on it.
struct World {
    rng: StdRng,
    data: tempfile::TempDir,
    http: Client,
    token: String,
    senders: Vec<Sender>,
}

#[tokio::test]
async fn a_stack_killed_repeatedly_counts_every_acknowledged_event_once() {
    let seed = setting("FLEETLEDGER_SEED").unwrap_or_else(rand::random);
    let rounds = setting("FLEETLEDGER_ROUNDS").unwrap_or(ROUNDS);
    println!("FLEETLEDGER_SEED={seed} FLEETLEDGER_ROUNDS={rounds}");
    let mut world = World {
        rng: StdRng::seed_from_u64(seed),
        data: tempfile::tempdir().unwrap(),
        http: Client::new(),
        token: support::token("acme"),
        senders: (1..=SENDERS).map(|number| Sender::new(number, seed)).collect(),
    };
    for round in 1..=rounds {
        world.kill_while_starting(round);
        world.kill_under_load().await;
        if round % CHECK_EVERY == 0 || round == rounds {
            world.check(round).await;
        }
    }
}

impl World {
    fn start(&self) -> (Stack, ApiClient) {
        let stack = Stack::start_with(self.data.path(), &["--clock", event::CLOCK]);
        let client = ApiClient { http: self.http.clone(), url: stack.url.clone(), token: self.token.clone() };
        (stack, client)
    }

    /// Kills stacks while they start: three in the first round, when there are no tables yet, and some later.
    fn kill_while_starting(&mut self, round: u64) {
        let times = if round == 1 { 3 } else { u32::from(self.rng.random_bool(0.2)) };
        for _ in 0..times {
            let delay = Duration::from_millis(self.rng.random_range(START_MS));
            Stack::kill_at_start(self.data.path(), &["--clock", event::CLOCK], delay);
        }
    }

    async fn kill_under_load(&mut self) {
        let (stack, client) = self.start();
        let (_, enough) = watch::channel(false);
        let work = |sender: Sender| tokio::spawn(sender.work(client.clone(), enough.clone()));
        let senders: Vec<_> = self.senders.drain(..).map(work).collect();
        sleep(Duration::from_millis(self.rng.random_range(LOAD_MS))).await;
        drop(stack);
        for sender in senders {
            self.senders.push(sender.await.unwrap());
        }
    }

    /// Waits until everything is acknowledged and aggregated, and checks it. Afterwards the stack is killed as well.
    async fn check(&mut self, round: u64) {
        let (_stack, client) = self.start();
        for sender in std::mem::take(&mut self.senders) {
            self.senders.push(sender.finish(client.clone()).await);
        }
        let acknowledged = || self.senders.iter().flat_map(|sender| &sender.acknowledged);
        let expected = Totals::of(acknowledged()).figures();
        compare(&settled(&client, &expected).await, &expected);
        let days: BTreeSet<_> = acknowledged().flat_map(event::Event::days).collect();
        for day in &days {
            drift::assert_none(&client.url, "acme", day).await;
        }
        println!("round {round}: {} events, {} figures", acknowledged().count(), expected.len());
    }
}

/// Waits until the figures are as expected and no longer change, or until the time is over.
async fn settled(client: &ApiClient, expected: &Figures) -> Figures {
    let (begun, mut changed) = (Instant::now(), Instant::now());
    let mut last = Figures::new();
    loop {
        let now = reported::figures(client).await;
        // A double count may show up late, so the expected figures must be read twice.
        let unchanged = now == last;
        if (unchanged && now == *expected)
            || changed.elapsed() > MAX_PAUSE
            || begun.elapsed() > SETTLE_TIMEOUT
        {
            return now;
        }
        if !unchanged {
            (changed, last) = (Instant::now(), now);
        }
        // Longer than the stream poller's interval.
        sleep(Duration::from_millis(250)).await;
    }
}

fn compare(reported: &Figures, expected: &Figures) {
    let names: BTreeSet<_> = reported.keys().chain(expected.keys()).collect();
    let differing = names.into_iter().filter(|name| reported.get(*name) != expected.get(*name));
    let lines: Vec<_> = differing
        .map(|name| format!("{name}: reported {:?}, expected {:?}", reported.get(name), expected.get(name)))
        .collect();
    assert!(lines.is_empty(), "{} figures are wrong:\n{}", lines.len(), lines.join("\n"));
}
