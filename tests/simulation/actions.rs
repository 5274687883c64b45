//! The steps of a run: which actions are possible next, how likely each is, and what starts them.

use chrono::TimeDelta;
use http::Method;
use rand::RngExt;
use runtime::clock::Clock;
use serde_json::{Value, json};

use super::CheckResult;
use super::disturbances::Disturbance;
use super::messages::{AGENT_IDS, AGENTS};
use super::run::{Invocation, InvocationKind, InvocationResult, Run};
use super::service;
use super::stream::ShardIndex;
use super::wire::Process;
use crate::support::encoded;

/// Concurrent requests to ingest and the registry.
const SERVICES: usize = 4;
/// Concurrent invocations of reconcile.
const RECONCILERS: usize = 2;
/// Longer than a claim of a repricing entry, on any two clocks.
const CLAIM_EXPIRES: TimeDelta = TimeDelta::minutes(30);
/// Streams that the table has during a run, one after another.
const STREAMS: usize = 3;

/// Something that may happen next. The counts of a run are named after these.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// A waiting request is executed, or meets a fault.
    HandleRequest(usize),
    /// A sender posts events.
    Send,
    /// A setting is changed.
    ChangeSettings,
    /// An own price is set or deleted.
    ChangePrice,
    /// A repricing entry is requested.
    Reprice,
    /// A repricing entry is deleted.
    WithdrawRepricing,
    /// A time zone is changed.
    ChangeZone,
    /// Reconcile recomputes days by a new calendar.
    SettleCalendars,
    /// Reconcile merges pages of agents' days.
    Compact,
    /// The mapping delivers records of a shard.
    Deliver(ShardIndex),
    /// A process dies.
    Crash(Process),
    /// The caller of a process gives up waiting, while the process continues.
    ClientTimeout(Process),
    /// A paused process continues.
    Resume(Process),
    /// A request of a dead process arrives.
    LateArrival(usize),
    /// A shard is split.
    SplitShard,
    /// The table gets a new stream.
    NewStream,
    /// The mapping starts over.
    RestartMapping,
    /// The mapping stops delivering: events are stored long before they are aggregated.
    StallMapping,
    /// It delivers again.
    UnstallMapping,
    /// A malformed record gets into the stream.
    InsertMalformed,
    /// An event expires.
    Expire,
    /// See there.
    Disturb(Disturbance),
    /// Reconcile is invoked.
    Reconcile,
    /// It is found out up to which instant all events are counted.
    Measure,
    /// Time passes.
    Wait,
    /// The invariants are checked.
    Check,
}

impl Run {
    /// Takes a random action.
    pub fn act(&mut self) -> CheckResult {
        if self.fault_free {
            return self.act_without_faults();
        }
        let actions = self.actions();
        let total = actions.iter().map(|(weight, _)| weight).sum();
        let mut roll = self.rng.random_range(0..total);
        let act = actions.iter().find(|(weight, _)| {
            let hit = roll < *weight;
            roll = roll.saturating_sub(*weight);
            hit
        });
        let act = act.unwrap().1;
        match act {
            Action::Disturb(disturbance) => self.count(&format!("{disturbance:?}")),
            _ => self.count(&format!("{act:?}")),
        }
        match act {
            Action::HandleRequest(number) => return self.handle_request(number),
            Action::Send => self.send(),
            Action::ChangeSettings => self.change_settings(),
            Action::ChangePrice => self.change_price(),
            Action::Reprice => self.reprice(),
            Action::WithdrawRepricing => self.withdraw_repricing(),
            Action::ChangeZone => self.change_zone(),
            Action::SettleCalendars => self.settle_calendars(),
            Action::Compact => self.compact(),
            Action::Deliver(place) => self.deliver(place),
            Action::Crash(process) => return self.crash(process),
            Action::ClientTimeout(process) => self.client_timeout(process),
            Action::Resume(process) => {
                self.note(|| format!("p{process} continues"));
                self.invocations.get_mut(&process).unwrap().paused = false;
            }
            Action::LateArrival(number) => return self.late_arrival(number),
            Action::SplitShard => self.split_shard(),
            Action::NewStream => self.new_stream(),
            Action::RestartMapping => self.restart_mapping(),
            Action::StallMapping => self.is_stalled = true,
            Action::UnstallMapping => self.is_stalled = false,
            Action::InsertMalformed => self.insert_malformed(),
            Action::Disturb(disturbance) => self.disturb(disturbance),
            Action::Expire => return self.expire(),
            Action::Reconcile => self.reconcile(),
            Action::Measure => self.measure(),
            Action::Wait => {
                self.now += TimeDelta::seconds([7, 600, 3000][self.rng.random_range(0..3)]);
                self.note(|| "time passes".to_owned());
            }
            Action::Check => return self.check_rollups(),
        }
        Ok(())
    }

    /// The possible actions with their weights.
    fn actions(&self) -> Vec<(u32, Action)> {
        let fault = self.fault_rates.invocations;
        let mut actions = vec![
            (3, Action::SplitShard),
            (1, Action::RestartMapping),
            (6, Action::InsertMalformed),
            (4, Action::Expire),
        ];
        actions.extend([(10, Action::Wait), (25, Action::Check)]);
        let reconciling = self
            .invocations
            .values()
            .filter(|invocation| matches!(invocation.kind, InvocationKind::Reconcile))
            .count();
        if reconciling < RECONCILERS {
            actions.extend([(40, Action::Reconcile), (60, Action::Compact)]);
            if !self.is_settled() {
                actions.push((80, Action::SettleCalendars));
            }
        }
        if !self.invocations.values().any(|one| matches!(one.kind, InvocationKind::Measure)) {
            actions.push((20, Action::Measure));
        }
        let services = self.invocations.values().filter(|invocation| {
            matches!(invocation.kind, InvocationKind::Ingest(..) | InvocationKind::ChangeSettings)
        });
        if services.count() < SERVICES {
            actions.extend([(60, Action::Send), (4, Action::ChangeSettings), (16, Action::ChangePrice)]);
            actions.extend([(14, Action::Reprice), (6, Action::WithdrawRepricing)]);
            if self.has_usage() {
                actions.push((20, Action::ChangeZone));
            }
        }
        if self.streams.len() < STREAMS {
            actions.push((2, Action::NewStream));
        }
        for (i, process) in self.wire.waiting() {
            if !self.invocations.get(&process).is_some_and(|invocation| invocation.paused) {
                actions.push((self.request_weight(), Action::HandleRequest(i)));
            }
        }
        actions
            .extend(self.disturbances().into_iter().map(|(weight, found)| (weight, Action::Disturb(found))));
        if self.is_stalled {
            actions.push((3, Action::UnstallMapping));
        } else {
            actions.push((3, Action::StallMapping));
            actions.extend(self.ready().map(|place| (30, Action::Deliver(place))));
        }
        for (process, invocation) in &self.invocations {
            if invocation.paused {
                actions.push((10, Action::Resume(*process)));
            } else if !invocation.abandoned {
                actions.extend([(fault, Action::Crash(*process)), (fault, Action::ClientTimeout(*process))]);
            }
        }
        actions.extend((0..self.orphans.len()).map(|i| (10, Action::LateArrival(i))));
        actions
    }

    /// Executes all waiting requests, and sends and delivers whatever can be.
    fn act_without_faults(&mut self) -> CheckResult {
        for (i, process) in self.wire.waiting().into_iter().rev() {
            if !self.invocations.get(&process).is_some_and(|invocation| invocation.paused) {
                self.handle_request(i)?;
            }
        }
        let busy = |kind: fn(&InvocationKind) -> bool| {
            self.invocations.values().any(|invocation| kind(&invocation.kind) && !invocation.abandoned)
        };
        let reconciles = busy(|kind| matches!(kind, InvocationKind::Reconcile));
        if !busy(|kind| matches!(kind, InvocationKind::Ingest(..) | InvocationKind::ChangeSettings)) {
            self.send();
        }
        let (is_due, is_settled) = (self.has_due_repricings(), self.is_settled());
        // Entries wait until days are recomputed, so neither of the two always comes first.
        if !reconciles && is_due && (is_settled || self.rng.random()) {
            // Another process may have claimed the entry and died.
            self.now += CLAIM_EXPIRES;
            self.carry_out_repricings();
        } else if !reconciles && !is_settled {
            // Time passes until a run's lease ends that died, and until retired rollups are deleted.
            self.now += TimeDelta::minutes(20);
            self.settle_calendars();
        } else if !reconciles && self.has_dirty_days() {
            self.recompute_dirty();
        } else if !reconciles && self.rng.random_ratio(1, 4) {
            self.compact();
        }
        for place in self.ready().collect::<Vec<_>>() {
            self.deliver(place);
        }
        Ok(())
    }

    /// The shards with records to deliver.
    fn ready(&self) -> impl Iterator<Item = ShardIndex> {
        self.streams
            .iter()
            .enumerate()
            .flat_map(|(nth, stream)| stream.ready().map(move |shard| (nth, shard)))
    }

    fn send(&mut self) {
        let Some((org, numbers)) = self.senders.request(&mut self.rng, self.now, self.fault_free) else {
            return;
        };
        let service = match self.warm_services.pop() {
            Some(service) if self.rng.random_ratio(2, 3) => service,
            _ => {
                let process = self.process();
                service::ingest(process, self.wire.client(process), Clock::fixed(self.now))
            }
        };
        let process = service.process;
        let now = self.skewed_time();
        service.clock.set(now);
        self.clocks.insert(process, service.clock.clone());
        self.senders.begin(process);
        self.priced_from.insert(process, self.price_states.len());
        self.note(|| format!("p{process} ingests {numbers:?} of organization {org}"));
        let (body, token, caller) = (self.senders.body(&numbers), self.tokens[org].clone(), service.clone());
        let task = tokio::spawn(async move {
            let (status, body) = caller.send(Method::POST, "/v1/events", &token, Some(&body)).await;
            InvocationResult::Http(status, body)
        });
        self.begin(process, InvocationKind::Ingest(service, numbers), task);
    }

    /// Changes the settings of an agent, which leaves an audit entry.
    fn change_settings(&mut self) {
        let org = self.rng.random_range(0..self.tokens.len());
        let path = format!("/api/agents/{}", encoded(AGENT_IDS[self.rng.random_range(0..AGENTS)]));
        self.request_change(org, Method::PUT, path, |process| {
            Some(json!({ "name": format!("name {process}") }))
        });
    }

    /// Sends a request to the registry. `body` takes the number of the process, which makes each change a different one.
    pub fn request_change(
        &mut self,
        org: usize,
        method: Method,
        path: String,
        body: impl FnOnce(Process) -> Option<Value>,
    ) {
        let process = self.process();
        let service = service::registry(process, self.wire.client(process), Clock::fixed(self.skewed_time()));
        self.clocks.insert(process, service.clock.clone());
        let (token, body) = (self.tokens[org].clone(), body(process));
        // Ids of repricing entries are random.
        let shown = path.split("/reprice/").next().unwrap_or_default().to_owned();
        self.note(|| format!("p{process} {method} {shown} {body:?}"));
        let task = tokio::spawn(async move {
            let (status, body) = service.send(method, &path, &token, body.as_ref()).await;
            InvocationResult::Http(status, body)
        });
        self.begin(process, InvocationKind::ChangeSettings, task);
    }

    pub fn begin(
        &mut self,
        process: Process,
        kind: InvocationKind,
        task: tokio::task::JoinHandle<InvocationResult>,
    ) {
        self.invocations.insert(
            process,
            Invocation { kind, task, abandoned: false, paused: false, faults: (0, 0), begun: self.now },
        );
    }
}
