//! What happens to the machines: tables that are slow or full, pages that are short, clocks that are set, responses that
//! nobody gets, and pollers of closed shards that are still at work.

use std::sync::Arc;

use aggregator::Aggregator;
use rand::RngExt;
use serde_json::{Value, json};

use super::CheckResult;
use super::run::{Invocation, InvocationKind, InvocationResult, Run};
use super::stream::ShardIndex;
use super::wire::Process;

/// Queries that ask for fewer items are never cut short: items are far smaller than a page of DynamoDB.
const LEAST_LIMIT: u64 = 10;
/// The weight of handling a request, and the same while tables are slow: most of the time something else happens.
const WEIGHTS: (u32, u32) = (100, 3);

/// The state of the tables' machines, as long as there are faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machines {
    /// Whether requests wait for long.
    pub slow: bool,
    /// Whether nothing can be written.
    pub full: bool,
}

/// Something that disturbs a run.
#[derive(Clone, Copy, Debug)]
pub enum Disturbance {
    /// From now on, requests wait for long.
    SlowTables,
    /// They no longer do.
    FastTables,
    /// From now on, nothing can be written.
    FillDisk,
    /// There is room again.
    FreeDisk,
    /// The clock of a process is set while it works.
    StepClock(Process),
    /// A poller that has not noticed that its shard was split delivers records again that were processed.
    DeliverOldRecords(ShardIndex),
}

impl Run {
    /// The weight of handling a request.
    pub const fn request_weight(&self) -> u32 {
        if self.machines.slow { WEIGHTS.1 } else { WEIGHTS.0 }
    }

    /// The possible disturbances with their weights.
    pub fn disturbances(&self) -> Vec<(u32, Disturbance)> {
        let mut all = vec![
            if self.machines.slow { (4, Disturbance::FastTables) } else { (1, Disturbance::SlowTables) },
            if self.machines.full { (8, Disturbance::FreeDisk) } else { (1, Disturbance::FillDisk) },
        ];
        let running = self.invocations.keys().filter(|process| self.clocks.contains_key(process));
        all.extend(running.map(|process| (3, Disturbance::StepClock(*process))));
        let shards = self.streams.iter().enumerate();
        let old = shards.flat_map(|(nth, stream)| stream.replayable().map(move |shard| (nth, shard)));
        all.extend(old.map(|index| (2, Disturbance::DeliverOldRecords(index))));
        all
    }

    pub fn disturb(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::SlowTables => self.machines.slow = true,
            Disturbance::FastTables => self.machines.slow = false,
            Disturbance::FillDisk => self.machines.full = true,
            Disturbance::FreeDisk => self.machines.full = false,
            Disturbance::StepClock(process) => {
                let time = self.skewed_time();
                self.clocks[&process].set(time);
                self.note(|| format!("the clock of p{process} is set to {time}"));
            }
            Disturbance::DeliverOldRecords(index) => self.deliver_old_records(index),
        }
    }

    /// Delivers records again that the mapping is done with. Nobody waits for the response.
    fn deliver_old_records(&mut self, index: ShardIndex) {
        let process = self.process();
        let stream = &self.streams[index.0];
        let shard = &stream.shards[index.1];
        let from = self.rng.random_range(0..shard.checkpoint);
        let to = self.rng.random_range(from + 1..=shard.checkpoint);
        let event = shard.delivery(&stream.arn, from, to);
        self.note(|| format!("p{process} gets {from}..{to} of the closed {index:?} again"));
        let (tables, clock) = (self.open("aggregator", process), self.clock.clone());
        let aggregator = Arc::new(Aggregator::with_item_length(tables, clock, self.item_length));
        let called = aggregator.clone();
        let task = tokio::spawn(async move {
            InvocationResult::Lambda(called.handle(event).await.map_err(|error| error.to_string()))
        });
        self.begin(process, InvocationKind::Deliver(aggregator, index, from, to), task);
        self.invocations.get_mut(&process).unwrap().abandoned = true;
    }

    /// Whether the response of an invocation is lost, since it is larger than Lambda returns. Whoever waits for it gets an
    /// error, although all is done.
    pub fn is_too_large(&mut self, process: Process, invocation: &Invocation) -> bool {
        let rate = self.fault_rates.invocations;
        if self.fault_free || invocation.abandoned || !self.rng.random_ratio(rate, 500) {
            return false;
        }
        self.note(|| format!("the response of p{process} is too large"));
        self.count("ResponseTooLarge");
        true
    }

    /// Executes a query whose page ends early, as pages of DynamoDB do at a megabyte.
    pub fn short_page(&mut self, process: Process, body: &Value, shard: &str) -> CheckResult<(u16, String)> {
        let mut body = body.clone();
        if body["Limit"].as_u64().is_none_or(|limit| limit >= LEAST_LIMIT) {
            body["Limit"] = json!(self.rng.random_range(1..=3));
        }
        self.execute(process, "Query", &body, shard)
    }
}
