//! Senders: the messages they send, the responses they get, and the events stored as a result.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use ledger::event::{Data, Event};
use ledger::period::Day;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use store::keys::{self, Key};

use super::CheckResult;
use super::messages::{Message, ORGS};
use super::reconciliation::day_of;
use super::wire::Process;

/// Events that are older are not amended: their days may be too old to be recomputed.
const AMENDED: TimeDelta = TimeDelta::days(10);

/// The key of the event that a raw event is, or amends.
fn event_of(key: &Key) -> Key {
    Key { pk: key.pk.clone(), sk: keys::amended_sk(&key.sk).to_owned() }
}

/// A raw event that was stored.
pub struct StoredEvent {
    pub event: Event,
    /// The number of the message; `None` for an audit entry.
    pub message: Option<u64>,
    /// The number of events that were stored before it.
    pub order: usize,
    /// Whether it has expired.
    pub removed: bool,
}

/// What a sender knows of a message.
#[derive(Default)]
struct SendState {
    /// The number of pending requests with it.
    in_flight: u32,
    /// Whether a request with it got no response, so that it may have been stored or still be stored.
    uncertain: bool,
    /// Whether it was rejected for good.
    rejected: bool,
}

/// All senders.
pub struct Senders {
    /// The number of messages still to be created.
    left: u64,
    messages: BTreeMap<u64, Message>,
    sent: BTreeMap<u64, SendState>,
    /// Messages without a final response.
    outbox: BTreeSet<u64>,
    pub stored: BTreeMap<Key, StoredEvent>,
    /// The messages stored by each process in its current invocation.
    by_process: BTreeMap<Process, Vec<u64>>,
    /// Processes that stored an audit entry.
    changes: BTreeSet<Process>,
}

impl Senders {
    pub fn new(messages: u64) -> Self {
        let (left, outbox, stored) = (messages, BTreeSet::new(), BTreeMap::new());
        let (messages, sent, by_process) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { left, messages, sent, outbox, stored, by_process, changes: BTreeSet::new() }
    }

    /// Whether every message has a final response.
    pub fn are_done(&self) -> bool {
        self.left == 0 && self.outbox.is_empty()
    }

    /// The next request: an organization and its messages. Without faults, no message is repeated after its final response.
    pub fn request(
        &mut self,
        rng: &mut StdRng,
        now: DateTime<Utc>,
        fault_free: bool,
    ) -> Option<(usize, Vec<u64>)> {
        let mut numbers: Vec<u64> =
            self.outbox.iter().copied().filter(|_| fault_free || rng.random()).collect();
        for _ in 0..rng.random_range(0..10_u64).min(self.left) {
            self.left -= 1;
            numbers.push(self.create(|number, _| Message::new(&mut *rng, now, number)));
        }
        if !fault_free && !self.messages.is_empty() {
            self.repeat(rng, now, &mut numbers);
        }
        let org = self.messages[numbers.first()?].org;
        numbers.retain(|number| self.messages[number].org == org);
        for number in &numbers {
            self.outbox.remove(number);
            self.sent.entry(*number).or_default().in_flight += 1;
        }
        Some((org, numbers))
    }

    /// Adds duplicates of earlier messages, and messages that conflict with them.
    fn repeat(&mut self, rng: &mut StdRng, now: DateTime<Utc>, numbers: &mut Vec<u64>) {
        for _ in 0..rng.random_range(0..4) {
            let last = *self.messages.keys().next_back().unwrap();
            let number = rng.random_range(1..=last);
            let removed = self.revisions(&self.messages[&number].key).any(|stored| stored.removed);
            if removed {
                continue;
            }
            if rng.random_ratio(1, 3) {
                numbers.push(self.create(|new, known| known[&number].conflicting(&mut *rng, new)));
            } else if rng.random_ratio(1, 2) && now - self.messages[&number].time < AMENDED {
                let new = self.messages.len() as u64 + 1;
                if let Some(message) = self.messages[&number].amending(rng, new) {
                    numbers.push(self.create(|_, _| message));
                }
            } else {
                numbers.push(number);
            }
        }
    }

    fn create(&mut self, message: impl FnOnce(u64, &BTreeMap<u64, Message>) -> Message) -> u64 {
        let number = self.messages.len() as u64 + 1;
        let message = message(number, &self.messages);
        self.messages.insert(number, message);
        self.sent.insert(number, SendState::default());
        self.outbox.insert(number);
        number
    }

    /// The body of a request.
    pub fn body(&self, numbers: &[u64]) -> Value {
        numbers.iter().map(|number| self.messages[number].body.clone()).collect()
    }

    /// Begins a new invocation of a process.
    pub fn begin(&mut self, process: Process) {
        self.by_process.insert(process, Vec::new());
    }

    /// Records that a process inserted a raw event.
    pub fn insert(&mut self, process: Process, key: Key, event: Event) -> CheckResult {
        let message = if event.is_usage() {
            let base = event_of(&key);
            let is = |message: &&Message| message.key == base && message.is(&event);
            let message = self.messages.values().find(is);
            let number = message
                .ok_or_else(|| format!("the event stored at {key:?} is none of the messages: {event:?}"))?
                .number;
            self.by_process.entry(process).or_default().push(number);
            Some(number)
        } else if self.changes.insert(process) {
            None
        } else {
            return Err(format!("p{process} stored two audit entries for one change"));
        };
        let stored = StoredEvent { event, message, order: self.stored.len(), removed: false };
        if self.stored.insert(key.clone(), stored).is_some() {
            return Err(format!("{key:?} was inserted twice"));
        }
        Ok(())
    }

    /// What is stored of an event: it and its amendments.
    fn revisions<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a StoredEvent> {
        let range = keys::event_and_amendments(key);
        let last = Key { pk: range.pk, sk: range.to };
        self.stored.range(key..).take_while(move |(stored, _)| **stored < last).map(|(_, stored)| stored)
    }

    /// Whether a later revision of a raw event is stored.
    pub fn is_amended(&self, key: &Key) -> bool {
        self.stored.range(key..).nth(1).is_some_and(|(next, _)| event_of(next) == event_of(key))
    }

    /// Records that a request gets no response.
    pub fn no_response(&mut self, numbers: &[u64]) {
        for number in numbers {
            let sent = self.sent.entry(*number).or_default();
            (sent.in_flight, sent.uncertain) = (sent.in_flight - 1, true);
            self.outbox.insert(*number);
        }
    }

    /// Compares a response of ingest with the stored events.
    pub fn check_response(
        &mut self,
        process: Process,
        numbers: &[u64],
        status: StatusCode,
        body: &Value,
    ) -> CheckResult {
        for number in numbers {
            self.sent.entry(*number).or_default().in_flight -= 1;
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            self.outbox.extend(numbers);
            return Ok(());
        }
        // A request of which no event was taken is refused, with the same outcome for each event.
        if status != StatusCode::OK && !body["rejected"].is_array() {
            return Err(format!("ingest returned {status}: {body}"));
        }
        let rejected: BTreeMap<_, _> = body["rejected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["index"].as_u64().unwrap(), one))
            .collect();
        let mut unavailable = 0;
        for (index, number) in numbers.iter().enumerate() {
            let code = rejected.get(&(index as u64)).map(|one| one["code"].as_str().unwrap());
            unavailable += u64::from(code == Some("unavailable"));
            self.check_outcome(process, *number, code)
                .map_err(|why| format!("message {number}, {code:?}: {why}"))?;
        }
        let (accepted, duplicates) =
            (body["accepted"].as_u64().unwrap(), body["duplicates"].as_u64().unwrap());
        let malformed = rejected.values().any(|one| one["code"] == "invalid");
        let nothing_taken = accepted + duplicates == 0 && malformed;
        if (status == StatusCode::UNPROCESSABLE_ENTITY) != nothing_taken {
            return Err(format!("ingest returned {status}: {body}"));
        }
        let stored = self.by_process.remove(&process).unwrap_or_default().len() as u64;
        let adds_up = accepted + duplicates + rejected.len() as u64 == numbers.len() as u64;
        if !adds_up || stored < accepted || stored > accepted + unavailable {
            return Err(format!("{stored} of {} were stored, but the response is {body}", numbers.len()));
        }
        Ok(())
    }

    /// Expects that a successful change of settings stored an audit entry.
    pub fn check_change(&self, process: Process, status: StatusCode, body: &Value) -> CheckResult {
        match status {
            StatusCode::OK if self.changes.contains(&process) => Ok(()),
            // Prices and entries are set and deleted by other processes too.
            StatusCode::NO_CONTENT
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::SERVICE_UNAVAILABLE => Ok(()),
            _ => Err(format!("the change by p{process} returned {status}: {body}")),
        }
    }

    /// Compares the outcome of a message with the stored event.
    fn check_outcome(&mut self, process: Process, number: u64, code: Option<&str>) -> CheckResult {
        let message = &self.messages[&number];
        let revisions: Vec<_> = self.revisions(&message.key).collect();
        let is_stored = revisions.iter().any(|stored| stored.message == Some(number));
        let with = |rank: std::cmp::Ordering| {
            revisions.iter().any(|stored| stored.event.revision.cmp(&message.revision) == rank)
        };
        if message.valid == (code == Some("invalid")) {
            return Err("a valid message was called invalid, or the reverse".to_owned());
        }
        let right = match code {
            None => is_stored,
            Some("conflict") => {
                let is_fixed = revisions.iter().any(|stored| {
                    matches!(stored.event.data, Data::AgentActivity(_) | Data::HostReport(_))
                        || message.is_of_another_type(&stored.event)
                });
                !is_stored && (with(std::cmp::Ordering::Equal) || is_fixed)
            }
            Some("superseded") => !is_stored && with(std::cmp::Ordering::Greater),
            Some("unavailable") => true,
            // Another request may have stored it, by another clock.
            Some("invalid" | "in_future" | "too_old") => !self.by_process[&process].contains(&number),
            Some(other) => return Err(format!("unknown code {other}")),
        };
        let stored = revisions.iter().map(|one| format!("{:?} by {:?}", one.event.revision, one.message));
        let stored = stored.collect::<Vec<_>>().join(", ");
        match code {
            Some("unavailable") => drop(self.outbox.insert(number)),
            Some(_) => {
                self.outbox.remove(&number);
                self.sent.entry(number).or_default().rejected = true;
            }
            None => drop(self.outbox.remove(&number)),
        }
        right.then_some(()).ok_or_else(|| format!("stored is {stored}"))
    }

    /// Marks a random event as expired, among those that no sender will send again.
    pub fn expire(&mut self, rng: &mut StdRng, before: Day) -> Option<Key> {
        let settled = |key: &Key| {
            self.messages.values().filter(|message| message.key == event_of(key)).all(|message| {
                let sent = &self.sent[&message.number];
                sent.in_flight == 0 && !sent.uncertain && !self.outbox.contains(&message.number)
            })
        };
        let there = self.stored.iter().filter(|(_, stored)| stored.message.is_some() && !stored.removed);
        let all: Vec<_> = there
            .map(|(key, _)| key)
            .filter(|key| settled(key) && day_of(key).is_some_and(|(_, day)| day < before))
            .cloned()
            .collect();
        let key = all.get(rng.random_range(0..all.len().max(1)))?.clone();
        self.stored.get_mut(&key)?.removed = true;
        Some(key)
    }

    /// In the end, each message is stored or was rejected.
    pub fn check(&self) -> CheckResult {
        for message in self.messages.values() {
            let is_stored = self.revisions(&message.key).any(|stored| stored.message == Some(message.number));
            if !self.sent[&message.number].rejected && !is_stored {
                return Err(format!("message {} of {} is missing", message.number, ORGS[message.org].0));
            }
        }
        Ok(())
    }
}
