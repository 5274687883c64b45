//! The event source mapping: what it delivers, how it retries, and how streams change under it.

use std::sync::Arc;

use aggregator::Aggregator;
use rand::RngExt;
use serde_json::{Value, json};

use super::CheckResult;
use super::run::{InvocationKind, InvocationResult, Run};
use super::stream::{Shard, ShardIndex, Stream};
use super::wire::Process;

/// The most records of most deliveries, and of the long ones.
const SHORT: usize = 6;
const LONG: usize = 40;

impl Run {
    /// Delivers the next records of a shard.
    pub fn deliver(&mut self, index: ShardIndex) {
        let most = if self.fault_free || self.rng.random_ratio(1, 4) { LONG } else { SHORT };
        let length = self.rng.random_range(1..=most);
        // The final invocation of a window has no records.
        let empty = !self.fault_free && self.rng.random_ratio(1, 20);
        let (process, aggregator) = match self.warm_aggregators.pop() {
            Some(warm) if self.rng.random_ratio(2, 3) => warm,
            _ => {
                let process = self.process();
                (
                    process,
                    Arc::new(Aggregator::with_item_length(
                        self.open("aggregator", process),
                        self.clock.clone(),
                        self.item_length,
                    )),
                )
            }
        };
        let stream = &mut self.streams[index.0];
        let shard = &mut stream.shards[index.1];
        let from = shard.checkpoint;
        let length = if empty { 0 } else { length.min(shard.limit.take().unwrap_or(LONG)) };
        let to = shard.records.len().min(from + length);
        shard.busy = Some(process);
        let event = shard.delivery(&stream.arn, from, to);
        self.note(|| format!("p{process} gets {index:?} {from}..{to}"));
        let caller = aggregator.clone();
        let task = tokio::spawn(async move {
            InvocationResult::Lambda(caller.handle(event).await.map_err(|error| error.to_string()))
        });
        self.begin(process, InvocationKind::Deliver(aggregator, index, from, to), task);
    }

    /// Handles the response to a delivery: the checkpoint moves to the first failed record, or past all.
    pub fn delivered(
        &mut self,
        process: Process,
        index: ShardIndex,
        (from, to): (usize, usize),
        response: Result<Value, String>,
    ) -> CheckResult {
        let mut response = response.map_err(|error| format!("p{process} rejected its delivery: {error}"))?;
        self.note(|| format!("p{process} returns {response}"));
        if let Some(mutant) = self.mutant {
            mutant.change_failures(&mut response);
        }
        let shard = &mut self.streams[index.0].shards[index.1];
        shard.busy = None;
        let mut done = to;
        if let Some(failed) = response["batchItemFailures"].get(0) {
            let named = failed["itemIdentifier"].as_str().unwrap_or_default();
            let delivered = &shard.records[from..to];
            let nth = delivered.iter().position(|record| record.digits == named);
            done = from
                + nth.ok_or_else(|| format!("p{process} names a record that was not delivered: {named}"))?;
            bisect(shard, to - done);
        }
        if response["state"] != json!({}) {
            return Err(format!("p{process} returned a state: {response}"));
        }
        shard.checkpoint = done;
        if done < to {
            self.count("PartialDelivery");
        }
        self.check_applied(index, from, done)?;
        // The mapping may lose its progress and deliver the records again, in other batches.
        if !self.fault_free && self.rng.random_ratio(self.fault_rates.invocations, 200) {
            let back = self.rng.random_range(0..=done);
            self.note(|| format!("{index:?} goes back to {back}"));
            self.streams[index.0].shards[index.1].checkpoint = back;
        }
        Ok(())
    }

    /// Delivers all shards of a stream again from their beginnings, as a new mapping does. Deliveries of the old one
    /// continue.
    pub fn restart_mapping(&mut self) {
        let nth = self.rng.random_range(0..self.streams.len());
        self.note(|| format!("stream {nth} is delivered again"));
        let busy: Vec<_> = self.streams[nth].shards.iter().filter_map(|shard| shard.busy).collect();
        for process in busy {
            self.client_timeout(process);
        }
        self.streams[nth].shards.iter_mut().for_each(|shard| shard.checkpoint = 0);
    }

    pub fn split_shard(&mut self) {
        if let Some(parent) = self.streams.last_mut().unwrap().split(&mut self.rng) {
            self.note(|| format!("{parent} is split"));
        }
    }

    /// Disables the stream of the table and enables a new one for all further changes.
    pub fn new_stream(&mut self) {
        self.streams.last_mut().unwrap().close();
        let stream = Stream::new(&mut self.rng, self.streams.len());
        self.note(|| format!("a new stream: {}", stream.arn));
        self.streams.push(stream);
    }

    /// The shard whose records a process aggregates; empty if it does not.
    pub fn shard_of(&self, process: Process) -> String {
        match self.invocations.get(&process).map(|invocation| &invocation.kind) {
            Some(InvocationKind::Deliver(_, index, ..)) => self.streams[index.0].shards[index.1].id.clone(),
            _ => String::new(),
        }
    }
}

/// After a failure, the next delivery has half the records.
pub fn bisect(shard: &mut Shard, failed: usize) {
    shard.limit = Some(failed.div_ceil(2).max(1));
}
