//! What may happen next, and how likely it is.

use chrono::TimeDelta;
use http::Method;
use rand::RngExt;
use runtime::clock::Clock;
use serde_json::json;
use store::keys::SEALED;

use super::Held;
use super::faults::{self, Fate};
use super::messages::AGENTS;
use super::run::{Done, Live, Run, Work};
use super::service;
use super::stream::{Place, Stream};
use super::wire::{Answer, Process, Request};

/// Requests under way at once to ingest and to the registry.
const SERVICES: usize = 4;
/// Days that are computed anew at once.
const RECONCILERS: usize = 2;
/// Streams that the table has in a run, one after another.
const STREAMS: usize = 3;
/// Requests, and statements within them, that may fail in one invocation of ingest: after three tries that failed it
/// would wait longer than a step.
const TROUBLES: (u32, u32) = (4, 2);

/// Something that may happen.
#[derive(Clone, Copy, Debug)]
enum Act {
    Answer(usize),
    Send,
    Change,
    Deliver(Place),
    /// A process dies.
    Crash(Process),
    /// Its caller gives up on a process, which goes on.
    Forsake(Process),
    /// A process that was held back goes on.
    Release(Process),
    /// A request of a dead process arrives.
    Haunt(usize),
    Split,
    NewStream,
    Replay,
    Poison,
    Expire,
    Reconcile,
    Wait,
    Check,
}

impl Run {
    /// Lets something happen.
    pub fn happen(&mut self) -> Held {
        if self.calm {
            return self.happen_calmly();
        }
        let acts = self.acts();
        let total = acts.iter().map(|(weight, _)| weight).sum();
        let mut roll = self.rng.random_range(0..total);
        let act = acts.iter().find(|(weight, _)| {
            let hit = roll < *weight;
            roll = roll.saturating_sub(*weight);
            hit
        });
        let act = act.unwrap().1;
        self.count(&format!("{act:?}"));
        match act {
            Act::Answer(number) => return self.answer(number),
            Act::Send => self.send(),
            Act::Change => self.change(),
            Act::Deliver(place) => self.deliver(place),
            Act::Crash(process) => return self.crash(process),
            Act::Forsake(process) => self.forsake(process),
            Act::Release(process) => {
                self.note(|| format!("p{process} goes on"));
                self.live.get_mut(&process).unwrap().held = false;
            }
            Act::Haunt(number) => return self.haunt(number),
            Act::Split => self.split(),
            Act::NewStream => self.new_stream(),
            Act::Replay => self.replay(),
            Act::Poison => self.poison(),
            Act::Expire => return self.expire(),
            Act::Reconcile => self.reconcile(),
            Act::Wait => {
                self.now += TimeDelta::seconds([7, 600, 3000][self.rng.random_range(0..3)]);
                self.note(|| "time passes".to_owned());
            }
            Act::Check => return self.check_parts(),
        }
        Ok(())
    }

    fn acts(&self) -> Vec<(u32, Act)> {
        let bad = self.weather.invocations;
        let mut acts = vec![(3, Act::Split), (1, Act::Replay), (6, Act::Poison), (4, Act::Expire)];
        acts.extend([(10, Act::Wait), (25, Act::Check)]);
        let reconciling = self.live.values().filter(|live| matches!(live.work, Work::Reconcile)).count();
        if reconciling < RECONCILERS {
            acts.push((40, Act::Reconcile));
        }
        let services =
            self.live.values().filter(|live| matches!(live.work, Work::Ingest(..) | Work::Change(_)));
        if services.count() < SERVICES {
            acts.extend([(60, Act::Send), (4, Act::Change)]);
        }
        if self.streams.len() < STREAMS {
            acts.push((2, Act::NewStream));
        }
        for (i, process) in self.wire.waiting() {
            if !self.live.get(&process).is_some_and(|live| live.held) {
                acts.push((100, Act::Answer(i)));
            }
        }
        acts.extend(self.ready().map(|place| (30, Act::Deliver(place))));
        for (process, live) in &self.live {
            if live.held {
                acts.push((10, Act::Release(*process)));
            } else if !live.zombie {
                acts.extend([(bad, Act::Crash(*process)), (bad, Act::Forsake(*process))]);
            }
        }
        acts.extend((0..self.ghosts.len()).map(|i| (10, Act::Haunt(i))));
        acts
    }

    /// All that waits is answered, all that can be sent and delivered is.
    fn happen_calmly(&mut self) -> Held {
        for (i, process) in self.wire.waiting().into_iter().rev() {
            if !self.live.get(&process).is_some_and(|live| live.held) {
                self.answer(i)?;
            }
        }
        let busy = |work: fn(&Work) -> bool| self.live.values().any(|live| work(&live.work) && !live.zombie);
        let reconciles = busy(|work| matches!(work, Work::Reconcile));
        if !busy(|work| matches!(work, Work::Ingest(..) | Work::Change(_))) {
            self.send();
        }
        if !reconciles && self.is_dirty() {
            self.redo();
        }
        for place in self.ready().collect::<Vec<_>>() {
            self.deliver(place);
        }
        Ok(())
    }

    fn ready(&self) -> impl Iterator<Item = Place> {
        self.streams
            .iter()
            .enumerate()
            .flat_map(|(nth, stream)| stream.ready().map(move |shard| (nth, shard)))
    }

    /// A request meets its fate.
    fn answer(&mut self, number: usize) -> Held {
        let request = self.wire.take(number);
        let process = request.process;
        let fate = if self.calm { Fate::Fine } else { self.fate(process, &request.operation) };
        self.note(|| format!("{request}: {fate:?}"));
        self.count(&format!("{fate:?}"));
        let shard = self.shard_of(process);
        let answer = match fate {
            Fate::RequestLost => faults::silence(&mut self.rng),
            Fate::Throttled => faults::refusal(&mut self.rng),
            Fate::InPart => {
                let mut sense = Ok(());
                let execute = |body: &_| {
                    let (status, answer) = self.engine.execute(&request.operation, body);
                    sense = makes_sense(&request, &answer);
                    (status, answer)
                };
                let answer = faults::in_part(&mut self.rng, &request.operation, &request.body, execute);
                sense?;
                self.feed(process)?;
                answer
            }
            Fate::Fine | Fate::AnswerLost | Fate::Doubtful => {
                let (status, body) = self.carry_out(process, &request.operation, &request.body, &shard)?;
                makes_sense(&request, &body)?;
                if body.contains("ConditionalCheckFailed") {
                    self.count("Refused");
                }
                match fate {
                    Fate::AnswerLost => faults::silence(&mut self.rng),
                    Fate::Doubtful => faults::doubtful(),
                    _ => Answer::Reply(status, body),
                }
            }
        };
        request.answer(answer);
        Ok(())
    }

    fn fate(&mut self, process: Process, operation: &str) -> Fate {
        let fate = self.weather.fate(&mut self.rng, operation);
        let live = self.live.get_mut(&process);
        let Some(live) = live.filter(|live| matches!(live.work, Work::Ingest(..))) else { return fate };
        let (count, limit) = match fate {
            Fate::Fine => return fate,
            Fate::InPart => (&mut live.troubles.1, TROUBLES.1),
            _ => (&mut live.troubles.0, TROUBLES.0),
        };
        *count += 1;
        if *count > limit { Fate::Fine } else { fate }
    }

    /// Carries out a request, and sees what comes of it.
    pub fn carry_out(
        &mut self,
        process: Process,
        operation: &str,
        body: &serde_json::Value,
        shard: &str,
    ) -> Held<(u16, String)> {
        let answer =
            match self.mutant.filter(|_| ["UpdateItem", "PutItem", "DeleteItem"].contains(&operation)) {
                None => self.engine.execute(operation, body),
                Some(mutant) => {
                    let mut spoilt = body.clone();
                    mutant.spoil_request(&mut spoilt, shard);
                    let (status, answer) = self.engine.execute(operation, &spoilt);
                    let mut answer = serde_json::from_str(&answer).unwrap();
                    mutant.spoil_answer(body, &mut answer, shard);
                    (status, answer.to_string())
                }
            };
        if body["Item"][SEALED].is_object() {
            self.count("Rewritten");
        }
        if matches!(operation, "BatchExecuteStatement" | "TransactWriteItems" | "DeleteItem") {
            self.feed(process)?;
        }
        Ok(answer)
    }

    fn send(&mut self) {
        let Some((org, numbers)) = self.senders.request(&mut self.rng, self.now, self.calm) else { return };
        let service = match self.warm_services.pop() {
            Some(service) if self.rng.random_ratio(2, 3) => service,
            _ => {
                let process = self.process();
                service::ingest(process, self.wire.client(process), Clock::fixed(self.now))
            }
        };
        let process = service.process;
        let now = self.skewed();
        service.clock.set(now);
        self.senders.begin(process);
        self.note(|| format!("p{process} takes in {numbers:?} of {org}"));
        let (body, token, caller) = (self.senders.body(&numbers), self.tokens[org].clone(), service.clone());
        let task = tokio::spawn(async move {
            let (status, body) = caller.send(Method::POST, "/v1/events", &token, Some(&body)).await;
            Done::Http(status, body)
        });
        self.begin(process, Work::Ingest(service, numbers), task);
    }

    /// Someone sets something of an agent, which leaves an entry in the log.
    fn change(&mut self) {
        let (process, token) =
            (self.process(), self.tokens[self.rng.random_range(0..self.tokens.len())].clone());
        let service = service::registry(process, self.wire.client(process), Clock::fixed(self.skewed()));
        let path = format!("/api/agents/agent-{}", self.rng.random_range(0..AGENTS));
        let body = json!({ "name": format!("name {process}") });
        self.note(|| format!("p{process} changes {path}"));
        let caller = service.clone();
        let task = tokio::spawn(async move {
            let (status, body) = caller.send(Method::PUT, &path, &token, Some(&body)).await;
            Done::Http(status, body)
        });
        self.begin(process, Work::Change(service), task);
    }

    pub fn begin(&mut self, process: Process, work: Work, task: tokio::task::JoinHandle<Done>) {
        self.live.insert(process, Live { work, task, zombie: false, held: false, troubles: (0, 0) });
    }

    fn split(&mut self) {
        if let Some(parent) = self.streams.last_mut().unwrap().split(&mut self.rng) {
            self.note(|| format!("{parent} is split"));
        }
    }

    /// The table's stream is switched off and on again: what comes from now on is in another one.
    fn new_stream(&mut self) {
        self.streams.last_mut().unwrap().close();
        let stream = Stream::new(&mut self.rng, self.streams.len());
        self.note(|| format!("a new stream: {}", stream.arn));
        self.streams.push(stream);
    }
}

/// DynamoDB may be busy, but it never has to say that a request makes no sense.
fn makes_sense(request: &Request, answer: &str) -> Held {
    if answer.contains("ValidationE") { Err(format!("{request} was answered {answer}")) } else { Ok(()) }
}
