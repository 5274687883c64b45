//! One run, which follows from its seed alone.
//!
//! Invocations are tasks of a runtime with a paused clock, and their requests wait on the wire. In each step the run
//! takes one action, then lets every task continue until all of them wait again. A step takes a fixed time on that
//! clock, longer than any pause of the code whose length is random, so that those pauses do not influence the run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aggregator::Aggregator;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use ledger::ids::OrgId;
use local::template::Template;
use local::{tables, token};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::clock::Clock;
use runtime::tables::Tables;
use serde_json::{Value, json};
use store::keys::{self, Key, PK, SK, VERSION};
use store::registry::SETTINGS;
use store::sequence::SequenceNumber;
use store::usage::FULL_KILOBYTES;
use tokio::task::JoinHandle;
use web::auth::Scope;

use super::CheckResult;
use super::disturbances::Machines;
use super::engine::Engine;
use super::faults::FaultRates;
use super::messages::{ORGS, TRACKED};
use super::mutant::Mutant;
use super::processes::OrphanedRequest;
use super::repricing::PriceState;
use super::senders::Senders;
use super::service::{SECRET, Service};
use super::stream::{ShardIndex, Stream};
use super::wire::{DIRECT, Process, Wire};
use crate::support::noon;
use crate::support::tables::{as_function, names, open};

/// The time of a step. The pauses of ingest before its first three retries are at most 200 ms, and it gives up after 8 s,
/// a multiple of this.
const STEP: Duration = Duration::from_millis(250);
/// Number of steps with faults.
const FAULTY_STEPS: Range<usize> = 50..500;
/// The most steps of a run, far more than it should take.
const STEPS: usize = 20_000;

/// Parsed once, since parsing takes longer than a run.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::built_in().unwrap());

/// What an invocation does.
#[derive(Clone)]
pub enum InvocationKind {
    /// Ingests messages.
    Ingest(Service, Vec<u64>),
    /// Changes a setting.
    ChangeSettings,
    /// Reconciles days.
    Reconcile,
    /// Finds up to which instant all events are counted.
    Measure,
    /// Aggregates the records of a shard in a range.
    Deliver(Arc<Aggregator>, ShardIndex, usize, usize),
}

/// The response of an invocation.
pub enum InvocationResult {
    Http(StatusCode, Value),
    Lambda(Result<Value, String>),
}

/// A running invocation.
pub struct Invocation {
    pub kind: InvocationKind,
    pub task: JoinHandle<InvocationResult>,
    /// Whether its caller has given up.
    pub abandoned: bool,
    /// Whether its requests are held back.
    pub paused: bool,
    /// The number of failed requests and statements, where that is limited.
    pub faults: (u32, u32),
    pub begun: DateTime<Utc>,
}

/// The state of a run.
pub struct Run {
    pub rng: StdRng,
    pub engine: Arc<Engine>,
    pub wire: Wire,
    pub now: DateTime<Utc>,
    /// The clock of the aggregator and of compaction, which always shows the present.
    pub clock: Clock,
    /// Whether the steps with faults are over.
    pub fault_free: bool,
    /// Whether the mapping delivers nothing, as long as there are faults.
    pub is_stalled: bool,
    pub machines: Machines,
    /// The clocks of processes that have one.
    pub clocks: BTreeMap<Process, Clock>,
    pub fault_rates: FaultRates,
    pub mutant: Option<Mutant>,
    /// The length in kilobytes from which on items get no new columns.
    pub item_length: u64,
    pub senders: Senders,
    pub streams: Vec<Stream>,
    pub invocations: BTreeMap<Process, Invocation>,
    /// Requests of dead processes that have not been executed yet.
    pub orphans: Vec<OrphanedRequest>,
    /// Whether a delivery was given up. Its writes may arrive after everything else.
    pub has_stragglers: bool,
    pub warm_services: Vec<Service>,
    pub warm_aggregators: Vec<(Process, Arc<Aggregator>)>,
    /// The marks at the last check.
    pub marks: BTreeMap<(Key, String), SequenceNumber>,
    /// The own prices of each organization after each audit entry, with the number of events stored until then.
    pub price_states: Vec<PriceState>,
    /// The number of price states when a process last got events to ingest.
    pub priced_from: BTreeMap<Process, usize>,
    /// Records that are known to be counted: their shard and number.
    pub counted: BTreeSet<(String, SequenceNumber)>,
    /// The progress of the lanes at the last check.
    pub progress: BTreeMap<u8, i64>,
    pub tokens: Vec<String>,
    /// The history of the run, one line per event.
    pub trace: Vec<String>,
    /// Occurrences by kind.
    pub counts: BTreeMap<String, u64>,
    processes: Process,
}

impl Run {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let engine = Arc::new(Engine::new());
        let fault_rates = FaultRates::any(&mut rng);
        let item_length = [FULL_KILOBYTES, FULL_KILOBYTES, 1, 2][rng.random_range(0..4)];
        // Not every sender may send old events.
        let backfills = !seed.is_multiple_of(2);
        let scopes: Vec<_> =
            Scope::ALL.into_iter().filter(|scope| backfills || *scope != Scope::EventsBackfill).collect();
        let token = |org| token::issue(&SECRET, org, &scopes, 3600).unwrap();
        Self {
            wire: Wire::new(engine.clone()),
            engine,
            now: noon(),
            clock: Clock::fixed(noon()),
            fault_free: false,
            is_stalled: false,
            machines: Machines::default(),
            clocks: BTreeMap::new(),
            fault_rates,
            mutant,
            item_length,
            senders: Senders::new(rng.random_range(10..50)),
            streams: vec![Stream::new(&mut rng, 0)],
            invocations: BTreeMap::new(),
            orphans: Vec::new(),
            has_stragglers: false,
            warm_services: Vec::new(),
            warm_aggregators: Vec::new(),
            marks: BTreeMap::new(),
            price_states: vec![PriceState::default()],
            priced_from: BTreeMap::new(),
            counted: BTreeSet::new(),
            progress: BTreeMap::new(),
            tokens: ORGS.iter().map(|(org, _)| token(org)).collect(),
            trace: vec![format!("{fault_rates:?}")],
            counts: BTreeMap::new(),
            processes: DIRECT,
            rng,
        }
    }

    /// Runs to the end.
    pub async fn play(&mut self) -> CheckResult {
        self.set_up().await;
        for _ in 0..self.rng.random_range(FAULTY_STEPS) {
            self.step().await?;
        }
        self.run_to_rest().await?;
        self.check_final_state().await
    }

    pub async fn set_up(&self) {
        let client = self.wire.client(DIRECT);
        tables::create(&client, &TEMPLATE.tables).await.unwrap();
        // The registry would query every day within the window for usage first.
        for (org, zone) in ORGS {
            let key = keys::organization_settings(&OrgId::new(org).unwrap());
            let names: Vec<_> = TRACKED.iter().map(|name| json!({ "S": name })).collect();
            let settings = json!({ "M": { "timezone": { "S": zone.name() }, "dimensions": { "L": names } } });
            self.put_settings(&key, &settings);
            let active = json!({ "generation": { "N": "0" }, "zone": { "S": zone.name() } });
            let key = keys::calendar(&OrgId::new(org).unwrap());
            let tracked = TRACKED.iter().map(|name| ((*name).to_owned(), json!({ "NULL": true })));
            let tracked: serde_json::Map<_, _> = tracked.collect();
            self.put_settings(
                &key,
                &json!({ "M": { "active": { "M": active }, "tracked": { "M": tracked } } }),
            );
        }
    }

    fn put_settings(&self, key: &Key, settings: &Value) {
        let item =
            json!({ PK: { "S": key.pk }, SK: { "S": key.sk }, VERSION: { "N": "1" }, SETTINGS: settings });
        let body = json!({ "TableName": names().registry, "Item": item });
        assert_eq!(self.engine.execute("PutItem", &body).0, 200);
    }

    /// Takes one action, and lets all tasks continue as far as they can.
    async fn step(&mut self) -> CheckResult {
        if self.trace.len() > STEPS {
            return Err("the run does not end".to_owned());
        }
        self.act()?;
        if self.clock.now() != self.now {
            self.clock.set(self.now);
            self.end_deliveries();
        }
        tokio::time::sleep(STEP).await;
        self.collect().await
    }

    /// Finishes all work without further faults. Paused processes and orphaned requests come last.
    async fn run_to_rest(&mut self) -> CheckResult {
        self.fault_free = true;
        self.note(|| "nothing goes wrong from here on".to_owned());
        while !self.is_idle() {
            self.step().await?;
        }
        self.resume_all()?;
        while !self.invocations.is_empty() || !self.is_idle() {
            self.step().await?;
        }
        self.measure();
        while !self.invocations.is_empty() {
            self.step().await?;
        }
        self.check_all_complete()
    }

    /// Whether all work is done, except for paused processes and orphaned requests.
    fn is_idle(&self) -> bool {
        self.invocations.values().all(|invocation| invocation.abandoned && invocation.paused)
            && self.senders.are_done()
            && self.streams.iter().all(|stream| stream.shards.iter().all(super::stream::Shard::is_done))
            && !self.has_dirty_days()
            && !self.has_due_repricings()
            && self.is_settled()
    }

    /// Handles the responses of invocations that have ended.
    async fn collect(&mut self) -> CheckResult {
        let ended = self
            .invocations
            .iter()
            .filter(|(_, invocation)| invocation.task.is_finished())
            .map(|(process, _)| *process);
        for process in ended.collect::<Vec<_>>() {
            let Some(invocation) = self.invocations.remove(&process) else { continue };
            if self.is_too_large(process, &invocation) {
                match invocation.task.await {
                    Err(error) if error.is_panic() => return Err(format!("p{process} panicked: {error}")),
                    _ => self.give_up(invocation.kind),
                }
                continue;
            }
            let done = match invocation.task.await {
                Ok(done) => done,
                Err(error) if error.is_cancelled() => continue,
                Err(error) => return Err(format!("p{process} panicked: {error}")),
            };
            if invocation.abandoned {
                self.note(|| format!("the abandoned p{process} has ended"));
                continue;
            }
            match (invocation.kind, done) {
                (InvocationKind::Ingest(service, numbers), InvocationResult::Http(status, body)) => {
                    self.note(|| format!("p{process} returns {status} {body}"));
                    self.count_response(status, &body);
                    self.senders.check_response(process, &numbers, status, &body)?;
                    self.warm_services.push(service);
                }
                (InvocationKind::ChangeSettings, InvocationResult::Http(status, body)) => {
                    self.note(|| format!("p{process} returns {status}"));
                    self.senders.check_change(process, status, &body)?;
                }
                (
                    InvocationKind::Deliver(aggregator, place, from, to),
                    InvocationResult::Lambda(response),
                ) => {
                    self.warm_aggregators.push((process, aggregator));
                    self.delivered(process, place, (from, to), response)?;
                }
                (InvocationKind::Measure, InvocationResult::Lambda(response)) => {
                    self.note(|| format!("p{process} returns {response:?}"));
                    self.count(if response.is_ok() { "Measured" } else { "MeasureFailed" });
                }
                (InvocationKind::Reconcile, InvocationResult::Lambda(response)) => {
                    self.reconciled(process, response);
                }
                _ => return Err("the response is of another kind than the invocation".to_owned()),
            }
        }
        Ok(())
    }

    /// A new process.
    pub fn process(&mut self) -> Process {
        self.processes += 1;
        self.processes
    }

    /// The tables of a function in a new process.
    pub fn open<T: Tables>(&self, binary: &str, process: Process) -> T {
        open(as_function(binary, &self.wire.client(process)))
    }

    /// The time on a clock that is off by up to four minutes.
    pub fn skewed_time(&mut self) -> DateTime<Utc> {
        self.now + TimeDelta::seconds(self.rng.random_range(-240..240))
    }

    /// Adds a line to the trace.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.push(line());
    }

    /// Counts an occurrence by the part of its name before a parenthesis.
    pub fn count(&mut self, what: &str) {
        let kind = what.split('(').next().unwrap_or_default();
        *self.counts.entry(kind.to_owned()).or_default() += 1;
    }

    fn count_response(&mut self, status: StatusCode, body: &Value) {
        self.count(status.as_str());
        for rejected in body["rejected"].as_array().into_iter().flatten() {
            self.count(rejected["code"].as_str().unwrap_or_default());
        }
        if body["duplicates"].as_u64() > Some(0) {
            self.count("duplicate");
        }
    }
}
