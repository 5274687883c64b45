//! The event source mapping: what is delivered, and what becomes of it.

use std::sync::Arc;

use aggregator::Aggregator;
use rand::RngExt;
use serde_json::Value;

use super::Held;
use super::run::{Done, Run, Work};
use super::stream::{Place, Shard};
use super::wire::{Process, Request};

/// The most records of most deliveries, and of the long ones.
const SHORT: usize = 6;
const LONG: usize = 40;

impl Run {
    /// Hands over the next records of a shard.
    pub fn deliver(&mut self, place: Place) {
        let most = if self.calm || self.rng.random_ratio(1, 4) { LONG } else { SHORT };
        let length = self.rng.random_range(1..=most);
        // The last call for a window brings no records.
        let empty = !self.calm && self.rng.random_ratio(1, 20);
        let (process, aggregator) = match self.warm_aggregators.pop() {
            Some(warm) if self.rng.random_ratio(2, 3) => warm,
            _ => {
                let process = self.process();
                (process, Arc::new(Aggregator::new(self.store("aggregator", process))))
            }
        };
        let stream = &mut self.streams[place.0];
        let shard = &mut stream.shards[place.1];
        let from = shard.checkpoint;
        let length = if empty { 0 } else { length.min(shard.limit.take().unwrap_or(LONG)) };
        let to = shard.records.len().min(from + length);
        shard.busy = Some(process);
        let event = shard.delivery(&stream.arn, from, to);
        self.note(|| format!("p{process} is handed {place:?} {from}..{to}"));
        let caller = aggregator.clone();
        let task = tokio::spawn(async move {
            Done::Lambda(caller.handle(event).await.map_err(|error| error.to_string()))
        });
        self.begin(process, Work::Deliver(aggregator, place, from, to), task);
    }

    /// An answer has come: the checkpoint moves to the first record that failed, or past all.
    pub fn delivered(
        &mut self,
        process: Process,
        place: Place,
        (from, to): (usize, usize),
        answer: Result<Value, String>,
    ) -> Held {
        let mut answer = answer.map_err(|error| format!("p{process} refused its delivery: {error}"))?;
        self.note(|| format!("p{process} answers {answer}"));
        if let Some(mutant) = self.mutant {
            mutant.spoil_failures(&mut answer);
        }
        let shard = &mut self.streams[place.0].shards[place.1];
        shard.busy = None;
        let mut done = to;
        if let Some(failed) = answer["batchItemFailures"].get(0) {
            let named = failed["itemIdentifier"].as_str().unwrap_or_default();
            let delivered = &shard.records[from..to];
            let nth = delivered.iter().position(|record| record.digits == named);
            done = from
                + nth.ok_or_else(|| format!("p{process} names a record that it was not given: {named}"))?;
            bisect(shard, to - done);
        }
        if answer["state"] != serde_json::json!({}) {
            return Err(format!("p{process} keeps a state: {answer}"));
        }
        shard.checkpoint = done;
        if done < to {
            self.count("InPartDelivered");
        }
        self.check_applied(place, from, done)?;
        // That all went well may be forgotten, and what was delivered comes again, cut anew.
        if !self.calm && self.rng.random_ratio(self.weather.invocations, 200) {
            let back = self.rng.random_range(0..=done);
            self.note(|| format!("{place:?} goes back to {back}"));
            self.streams[place.0].shards[place.1].checkpoint = back;
        }
        Ok(())
    }

    /// All shards of a stream are delivered from their beginnings again, as a new mapping does it. What the old one
    /// has under way goes on.
    pub fn replay(&mut self) {
        let nth = self.rng.random_range(0..self.streams.len());
        self.note(|| format!("stream {nth} is delivered anew"));
        let busy: Vec<_> = self.streams[nth].shards.iter().filter_map(|shard| shard.busy).collect();
        for process in busy {
            self.forsake(process);
        }
        self.streams[nth].shards.iter_mut().for_each(|shard| shard.checkpoint = 0);
    }

    /// A process dies. What it has sent may have been lost on its way, or arrive yet.
    pub fn crash(&mut self, process: Process) -> Held {
        self.note(|| format!("p{process} dies"));
        let shard = self.shard_of(process);
        let live = self.live.remove(&process).unwrap();
        live.task.abort();
        self.give_up(live.work);
        for request in self.wire.take_all(process) {
            match self.rng.random_range(0..3) {
                0 => self.note(|| format!("{request}: never arrived")),
                1 => {
                    self.note(|| format!("{request}: arrived"));
                    self.carry_out(process, &request.operation, &request.body, &shard)?;
                }
                _ => self.ghosts.push((shard.clone(), request)),
            }
        }
        Ok(())
    }

    /// Whoever waits for a process gives up: for them it is as if it had died, but it goes on, at once or later.
    pub fn forsake(&mut self, process: Process) {
        self.note(|| format!("p{process} is given up"));
        let held = self.rng.random_ratio(3, 4);
        let live = self.live.get_mut(&process).unwrap();
        (live.zombie, live.held) = (true, held);
        let work = match &live.work {
            Work::Ingest(service, numbers) => Work::Ingest(service.clone(), numbers.clone()),
            Work::Change(service) => Work::Change(service.clone()),
            Work::Reconcile => Work::Reconcile,
            Work::Deliver(aggregator, place, from, to) => {
                Work::Deliver(aggregator.clone(), *place, *from, *to)
            }
        };
        self.give_up(work);
    }

    fn give_up(&mut self, work: Work) {
        match work {
            Work::Ingest(_, numbers) => self.senders.unanswered(&numbers),
            Work::Change(_) | Work::Reconcile => {}
            Work::Deliver(_, place, from, to) => {
                let shard = &mut self.streams[place.0].shards[place.1];
                shard.busy = None;
                if self.rng.random() {
                    bisect(shard, to - from);
                }
            }
        }
    }

    /// A request of a dead process arrives.
    pub fn haunt(&mut self, number: usize) -> Held {
        let (shard, request) = self.ghosts.remove(number);
        self.note(|| format!("{request}: arrives late"));
        self.carry_out(request.process, &request.operation, &request.body, &shard).map(drop)
    }

    /// Whatever was held back goes on.
    pub fn release_all(&mut self) -> Held {
        self.live.values_mut().for_each(|live| live.held = false);
        while !self.ghosts.is_empty() {
            self.haunt(0)?;
        }
        Ok(())
    }

    /// The shard whose records a process adds up.
    pub fn shard_of(&self, process: Process) -> String {
        match self.live.get(&process).map(|live| &live.work) {
            Some(Work::Deliver(_, place, ..)) => self.streams[place.0].shards[place.1].id.clone(),
            _ => String::new(),
        }
    }
}

/// After a failure the first half of the records comes by itself.
fn bisect(shard: &mut Shard, failed: usize) {
    shard.limit = Some(failed.div_ceil(2).max(1));
}

/// A request of a dead process, with the shard whose records it adds up.
pub type Ghost = (String, Request);
