//! One run: everything that happens in it follows from its seed.
//!
//! Invocations are tasks of a runtime whose clock stands still. Each request of theirs waits on the wire; the run
//! picks what happens next, lets every task go on until all wait again, and picks anew. A step takes a fixed time of
//! that clock, longer than any pause of the code that a dice decides, so that no such dice decides what is seen.

use std::collections::BTreeMap;
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
use serde_json::{Value, json};
use store::Store;
use store::keys;
use store::keys::{Key, PK, SK, VERSION};
use store::registry::SETTINGS;
use store::sequence::SequenceNumber;
use tokio::task::JoinHandle;
use web::auth::Scope;

use super::Held;
use super::deliver::Ghost;
use super::engine::Engine;
use super::faults::Weather;
use super::messages::ORGS;
use super::mutant::Mutant;
use super::senders::Senders;
use super::service::{SECRET, Service};
use super::stream::{Place, Stream};
use super::wire::{EXAMINER, Process, Wire};
use crate::support::noon;
use crate::support::tables::{as_function, names};

/// The time that a step takes. The pauses of ingest before its first three retries are at most 200 ms, and it gives
/// up after 8 s, a multiple of this.
const STEP: Duration = Duration::from_millis(250);
/// Steps in which things may go wrong.
const STORM: Range<usize> = 50..500;
/// Steps after which a run should have come to its end long ago.
const STEPS: usize = 20_000;

/// Read once: it takes longer than a run.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::built_in().unwrap());

/// What an invocation is for.
pub enum Work {
    /// Messages are taken in.
    Ingest(Service, Vec<u64>),
    /// A setting is changed.
    Change(Service),
    /// Days are computed anew.
    Reconcile,
    /// The records of a shard from one to another are added up.
    Deliver(Arc<Aggregator>, Place, usize, usize),
}

/// What it came to.
pub enum Done {
    Http(StatusCode, Value),
    Lambda(Result<Value, String>),
}

/// An invocation under way.
pub struct Live {
    pub work: Work,
    pub task: JoinHandle<Done>,
    /// Whether nobody waits for it any more.
    pub zombie: bool,
    /// Whether its requests are held back.
    pub held: bool,
    /// Requests and statements of it that failed, where their number is limited.
    pub troubles: (u32, u32),
}

/// A run.
pub struct Run {
    pub rng: StdRng,
    pub engine: Arc<Engine>,
    pub wire: Wire,
    pub now: DateTime<Utc>,
    /// Whether nothing goes wrong any more.
    pub calm: bool,
    pub weather: Weather,
    pub mutant: Option<Mutant>,
    pub senders: Senders,
    pub streams: Vec<Stream>,
    pub live: BTreeMap<Process, Live>,
    /// Requests that were sent before their process died, and have not arrived yet.
    pub ghosts: Vec<Ghost>,
    pub warm_services: Vec<Service>,
    pub warm_aggregators: Vec<(Process, Arc<Aggregator>)>,
    /// The marks as they were last seen.
    pub marks: BTreeMap<(Key, String), SequenceNumber>,
    /// How far the lanes were last said to be.
    pub progress: BTreeMap<u8, i64>,
    pub tokens: Vec<String>,
    /// What happened, a line each.
    pub trace: Vec<String>,
    /// How often which kind of thing happened.
    pub happened: BTreeMap<String, u64>,
    processes: Process,
}

impl Run {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let engine = Arc::new(Engine::new());
        let weather = Weather::any(&mut rng);
        let token = |org| token::issue(&SECRET, org, &Scope::ALL, 3600).unwrap();
        Self {
            wire: Wire::new(engine.clone()),
            engine,
            now: noon(),
            calm: false,
            weather,
            mutant,
            senders: Senders::new(rng.random_range(10..50)),
            streams: vec![Stream::new(&mut rng, 0)],
            live: BTreeMap::new(),
            ghosts: Vec::new(),
            warm_services: Vec::new(),
            warm_aggregators: Vec::new(),
            marks: BTreeMap::new(),
            progress: BTreeMap::new(),
            tokens: ORGS.iter().map(|(org, _)| token(org)).collect(),
            trace: vec![format!("{weather:?}")],
            happened: BTreeMap::new(),
            processes: EXAMINER,
            rng,
        }
    }

    /// Plays it, to the end.
    pub async fn play(&mut self) -> Held {
        self.set_up().await;
        for _ in 0..self.rng.random_range(STORM) {
            self.step().await?;
        }
        self.come_to_rest().await?;
        self.check_the_end().await
    }

    pub async fn set_up(&self) {
        let client = self.wire.client(EXAMINER);
        tables::create(&client, &TEMPLATE.tables).await.unwrap();
        // By way of the registry this would look for usage on every day on which there could be any.
        for (org, zone) in ORGS {
            let key = keys::organization_settings(&OrgId::new(org).unwrap());
            let settings = json!({ "M": { "timezone": { "S": zone.name() } } });
            let item = json!({ PK: { "S": key.pk }, SK: { "S": key.sk }, VERSION: { "N": "1" }, SETTINGS: settings });
            let body = json!({ "TableName": names().registry, "Item": item });
            assert_eq!(self.engine.execute("PutItem", &body).0, 200);
        }
    }

    /// Something happens, and all go on as far as they can.
    async fn step(&mut self) -> Held {
        if self.trace.len() > STEPS {
            return Err("it never comes to rest".to_owned());
        }
        self.happen()?;
        tokio::time::sleep(STEP).await;
        self.collect().await
    }

    /// Nothing goes wrong any more, and all that is still on its way arrives; what was held back comes last or never
    /// before its turn.
    async fn come_to_rest(&mut self) -> Held {
        self.calm = true;
        self.note(|| "nothing goes wrong from here on".to_owned());
        while !self.is_at_rest() {
            self.step().await?;
        }
        self.release_all()?;
        while !self.live.is_empty() || !self.is_at_rest() {
            self.step().await?;
        }
        Ok(())
    }

    /// Whether there is nothing left to do but for zombies and ghosts.
    fn is_at_rest(&self) -> bool {
        self.live.values().all(|live| live.zombie && live.held)
            && self.senders.are_done()
            && self.streams.iter().all(|stream| stream.shards.iter().all(super::stream::Shard::is_done))
            && !self.is_dirty()
    }

    /// Takes what the invocations that have ended came to.
    async fn collect(&mut self) -> Held {
        let ended = self.live.iter().filter(|(_, live)| live.task.is_finished()).map(|(process, _)| *process);
        for process in ended.collect::<Vec<_>>() {
            let Some(live) = self.live.remove(&process) else { continue };
            let done = match live.task.await {
                Ok(done) => done,
                Err(error) if error.is_cancelled() => continue,
                Err(error) => return Err(format!("p{process} panicked: {error}")),
            };
            if live.zombie {
                self.note(|| format!("the zombie p{process} has ended"));
                continue;
            }
            match (live.work, done) {
                (Work::Ingest(service, numbers), Done::Http(status, body)) => {
                    self.note(|| format!("p{process} answers {status} {body}"));
                    self.count_verdicts(status, &body);
                    self.senders.answered(process, &numbers, status, &body)?;
                    self.warm_services.push(service);
                }
                (Work::Change(_), Done::Http(status, body)) => {
                    self.note(|| format!("p{process} answers {status}"));
                    self.senders.changed(process, status, &body)?;
                }
                (Work::Deliver(aggregator, place, from, to), Done::Lambda(answer)) => {
                    self.warm_aggregators.push((process, aggregator));
                    self.delivered(process, place, (from, to), answer)?;
                }
                (Work::Reconcile, Done::Lambda(answer)) => self.reconciled(process, answer),
                _ => return Err("an invocation answered as another".to_owned()),
            }
        }
        Ok(())
    }

    /// A process that was not there before.
    pub fn process(&mut self) -> Process {
        self.processes += 1;
        self.processes
    }

    /// A store for a process that starts cold.
    pub fn store(&self, binary: &str, process: Process) -> Store {
        Store::new(as_function(binary, &self.wire.client(process)), &names())
    }

    /// A clock that is wrong by up to four minutes.
    pub fn skewed(&mut self) -> DateTime<Utc> {
        self.now + TimeDelta::seconds(self.rng.random_range(-240..240))
    }

    /// Notes what happens.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.push(line());
    }

    /// Counts what happens, by the first word that names it.
    pub fn count(&mut self, what: &str) {
        let kind = what.split('(').next().unwrap_or_default();
        *self.happened.entry(kind.to_owned()).or_default() += 1;
    }

    fn count_verdicts(&mut self, status: StatusCode, body: &Value) {
        self.count(status.as_str());
        for rejected in body["rejected"].as_array().into_iter().flatten() {
            self.count(rejected["code"].as_str().unwrap_or_default());
        }
        if body["duplicates"].as_u64() > Some(0) {
            self.count("duplicate");
        }
    }
}
