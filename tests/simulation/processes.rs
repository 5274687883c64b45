//! Processes that die or are given up, and what remains of them.

use chrono::TimeDelta;
use rand::RngExt;

use super::CheckResult;
use super::mapping::bisect;
use super::run::{Invocation, InvocationKind, Run};
use super::wire::{Process, Request};

/// A request of a dead process, with the shard whose records it aggregated.
pub type OrphanedRequest = (String, Request);

/// The time that an aggregator has.
const TIMEOUT: TimeDelta = TimeDelta::minutes(1);

impl Run {
    /// Kills a process. Each of its pending requests is lost, executed now, or executed later.
    pub fn crash(&mut self, process: Process) -> CheckResult {
        self.note(|| format!("p{process} dies"));
        let shard = self.shard_of(process);
        let invocation = self.invocations.remove(&process).unwrap();
        invocation.task.abort();
        self.give_up(invocation.kind);
        for request in self.wire.take_all(process) {
            match self.rng.random_range(0..3) {
                0 => self.note(|| format!("{request}: lost")),
                1 => {
                    self.note(|| format!("{request}: executed after the crash"));
                    self.execute(process, &request.operation, &request.body, &shard)?;
                }
                _ => self.orphans.push((shard.clone(), request)),
            }
        }
        Ok(())
    }

    /// Lets the caller of a process give up waiting. To the caller this looks like a crash, but the process continues,
    /// at once or later.
    pub fn client_timeout(&mut self, process: Process) {
        self.note(|| format!("p{process} times out for its caller"));
        let paused = self.rng.random_ratio(3, 4);
        let invocation = self.invocations.get_mut(&process).unwrap();
        (invocation.abandoned, invocation.paused) = (true, paused);
        let kind = invocation.kind.clone();
        self.give_up(kind);
    }

    /// Ends the aggregators whose time is over, with all of their requests. Pages are removed only after that: the protocol
    /// of chains relies on it.
    pub fn end_deliveries(&mut self) {
        let over = self.now - TIMEOUT;
        let is_over = |invocation: &Invocation| {
            invocation.begun < over && matches!(invocation.kind, InvocationKind::Deliver(..))
        };
        let ended = self.invocations.iter().filter(|(_, invocation)| is_over(invocation));
        for process in ended.map(|(process, _)| *process).collect::<Vec<_>>() {
            self.note(|| format!("the time of p{process} is over"));
            let invocation = self.invocations.remove(&process).unwrap();
            invocation.task.abort();
            if !invocation.abandoned {
                self.give_up(invocation.kind);
            }
            drop(self.wire.take_all(process));
        }
        // Their shards are only named for aggregators.
        self.orphans.retain(|(shard, _)| shard.is_empty());
    }

    /// What callers do about an invocation that does not respond.
    pub fn give_up(&mut self, kind: InvocationKind) {
        match kind {
            InvocationKind::Ingest(_, numbers) => self.senders.no_response(&numbers),
            InvocationKind::ChangeSettings | InvocationKind::Reconcile | InvocationKind::Measure => {}
            InvocationKind::Deliver(_, index, from, to) => {
                self.has_stragglers = true;
                let shard = &mut self.streams[index.0].shards[index.1];
                shard.busy = None;
                if self.rng.random() {
                    bisect(shard, to - from);
                }
            }
        }
    }

    /// Executes a request of a dead process.
    pub fn late_arrival(&mut self, number: usize) -> CheckResult {
        let (shard, request) = self.orphans.remove(number);
        self.note(|| format!("{request}: arrives late"));
        self.execute(request.process, &request.operation, &request.body, &shard).map(drop)
    }

    /// Resumes all paused processes and executes all orphaned requests.
    pub fn resume_all(&mut self) -> CheckResult {
        self.invocations.values_mut().for_each(|invocation| invocation.paused = false);
        while !self.orphans.is_empty() {
            self.late_arrival(0)?;
        }
        Ok(())
    }
}
