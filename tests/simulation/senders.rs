//! Senders: what they have said, what they were answered, and what is stored because of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use http::StatusCode;
use ledger::event::Event;
use ledger::period::Day;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use store::keys::Key;

use super::Held;
use super::messages::{Message, ORGS};
use super::redo::day_of;
use super::wire::Process;

/// A raw event in the table.
pub struct Stored {
    pub event: Event,
    /// The message that it was; none for an entry of the registry.
    pub message: Option<u64>,
    /// Whether its time to live has passed.
    pub removed: bool,
}

/// What a sender knows of one message.
#[derive(Default)]
struct Sent {
    /// Requests under way that hold it.
    under_way: u32,
    /// Whether a request with it was never answered: it may be stored, now or later.
    doubtful: bool,
    /// Whether it was said, for good, that it is not taken.
    refused: bool,
}

/// All senders.
pub struct Senders {
    /// How many messages are still to be written.
    left: u64,
    messages: BTreeMap<u64, Message>,
    sent: BTreeMap<u64, Sent>,
    /// Messages that have no answer yet, or only that they may be sent again.
    outbox: BTreeSet<u64>,
    pub stored: BTreeMap<Key, Stored>,
    /// What each process has stored in its present invocation.
    by_process: BTreeMap<Process, Vec<u64>>,
    /// Processes that have left an entry in the log.
    changes: BTreeSet<Process>,
}

impl Senders {
    pub fn new(messages: u64) -> Self {
        let (left, outbox, stored) = (messages, BTreeSet::new(), BTreeMap::new());
        let (messages, sent, by_process) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { left, messages, sent, outbox, stored, by_process, changes: BTreeSet::new() }
    }

    /// Whether all is written, and answered for good.
    pub fn are_done(&self) -> bool {
        self.left == 0 && self.outbox.is_empty()
    }

    /// The next request: an organisation and what is said. In calm weather nothing is said that was answered before.
    pub fn request(&mut self, rng: &mut StdRng, now: DateTime<Utc>, calm: bool) -> Option<(usize, Vec<u64>)> {
        let mut numbers: Vec<u64> = self.outbox.iter().copied().filter(|_| calm || rng.random()).collect();
        for _ in 0..rng.random_range(0..10_u64).min(self.left) {
            self.left -= 1;
            numbers.push(self.write(|number, _| Message::new(&mut *rng, now, number)));
        }
        if !calm && !self.messages.is_empty() {
            self.say_again(rng, &mut numbers);
        }
        let org = self.messages[numbers.first()?].org;
        numbers.retain(|number| self.messages[number].org == org);
        for number in &numbers {
            self.outbox.remove(number);
            self.sent.entry(*number).or_default().under_way += 1;
        }
        Some((org, numbers))
    }

    /// Repetitions, and contradictions of what was said.
    fn say_again(&mut self, rng: &mut StdRng, numbers: &mut Vec<u64>) {
        for _ in 0..rng.random_range(0..4) {
            let last = *self.messages.keys().next_back().unwrap();
            let number = rng.random_range(1..=last);
            let removed = self.stored.get(&self.messages[&number].key).is_some_and(|stored| stored.removed);
            if removed {
                continue;
            }
            if rng.random_ratio(1, 3) {
                numbers.push(self.write(|new, known| known[&number].contradiction(&mut *rng, new)));
            } else {
                numbers.push(number);
            }
        }
    }

    fn write(&mut self, message: impl FnOnce(u64, &BTreeMap<u64, Message>) -> Message) -> u64 {
        let number = self.messages.len() as u64 + 1;
        let message = message(number, &self.messages);
        self.messages.insert(number, message);
        self.sent.insert(number, Sent::default());
        self.outbox.insert(number);
        number
    }

    /// The body of a request.
    pub fn body(&self, numbers: &[u64]) -> Value {
        numbers.iter().map(|number| self.messages[number].body.clone()).collect()
    }

    /// A process begins a new invocation.
    pub fn begin(&mut self, process: Process) {
        self.by_process.insert(process, Vec::new());
    }

    /// A raw event was inserted by a process.
    pub fn insert(&mut self, process: Process, key: Key, event: Event) -> Held {
        let message = if event.is_usage() {
            let is = |message: &&Message| message.key == key && message.is(&event);
            let message = self.messages.values().find(is);
            let number =
                message.ok_or_else(|| format!("what is stored at {key:?} is no message: {event:?}"))?.number;
            self.by_process.entry(process).or_default().push(number);
            Some(number)
        } else if self.changes.insert(process) {
            None
        } else {
            return Err(format!("p{process} left two entries of one change"));
        };
        let stored = Stored { event, message, removed: false };
        if self.stored.insert(key.clone(), stored).is_some() {
            return Err(format!("{key:?} was inserted twice"));
        }
        Ok(())
    }

    /// No answer came, and none will.
    pub fn unanswered(&mut self, numbers: &[u64]) {
        for number in numbers {
            let sent = self.sent.entry(*number).or_default();
            (sent.under_way, sent.doubtful) = (sent.under_way - 1, true);
            self.outbox.insert(*number);
        }
    }

    /// An answer has come: what it says has to be so.
    pub fn answered(&mut self, process: Process, numbers: &[u64], status: StatusCode, body: &Value) -> Held {
        for number in numbers {
            self.sent.entry(*number).or_default().under_way -= 1;
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            self.outbox.extend(numbers);
            return Ok(());
        }
        if status != StatusCode::OK {
            return Err(format!("ingest answered {status}: {body}"));
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
            self.verdict(process, *number, code)
                .map_err(|why| format!("message {number}, {code:?}: {why}"))?;
        }
        let (accepted, duplicates) =
            (body["accepted"].as_u64().unwrap(), body["duplicates"].as_u64().unwrap());
        let stored = self.by_process.remove(&process).unwrap_or_default().len() as u64;
        let adds_up = accepted + duplicates + rejected.len() as u64 == numbers.len() as u64;
        if !adds_up || stored < accepted || stored > accepted + unavailable {
            return Err(format!("{stored} of {} were stored, but the answer was {body}", numbers.len()));
        }
        Ok(())
    }

    /// A setting was changed, and that left an entry; or nothing is known.
    pub fn changed(&self, process: Process, status: StatusCode, body: &Value) -> Held {
        match status {
            StatusCode::OK if self.changes.contains(&process) => Ok(()),
            StatusCode::SERVICE_UNAVAILABLE => Ok(()),
            _ => Err(format!("the change by p{process} was answered {status}: {body}")),
        }
    }

    fn verdict(&mut self, process: Process, number: u64, code: Option<&str>) -> Held {
        let message = &self.messages[&number];
        let stored = self.stored.get(&message.key).map(|stored| stored.message);
        if message.sound == (code == Some("invalid")) {
            return Err("its form was misjudged".to_owned());
        }
        let right = match code {
            None => stored == Some(Some(number)),
            Some("conflict") => stored.is_some_and(|stored| stored != Some(number)),
            Some("unavailable") => true,
            // Another request, by another clock, may have stored it all the same.
            Some("invalid" | "in_future" | "too_old") => !self.by_process[&process].contains(&number),
            Some(other) => return Err(format!("there is no code {other}")),
        };
        match code {
            Some("unavailable") => drop(self.outbox.insert(number)),
            Some(_) => {
                self.outbox.remove(&number);
                self.sent.entry(number).or_default().refused = true;
            }
            None => drop(self.outbox.remove(&number)),
        }
        right.then_some(()).ok_or_else(|| format!("stored is {stored:?}"))
    }

    /// An event that may be removed, since nobody will ever send it again.
    pub fn expire(&mut self, rng: &mut StdRng, before: Day) -> Option<Key> {
        let settled = |key: &Key| {
            self.messages.values().filter(|message| message.key == *key).all(|message| {
                let sent = &self.sent[&message.number];
                sent.under_way == 0 && !sent.doubtful && !self.outbox.contains(&message.number)
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

    /// In the end each message is stored, or something else is in its place, or it was refused.
    pub fn check(&self) -> Held {
        for message in self.messages.values() {
            let stored = self.stored.get(&message.key);
            if !self.sent[&message.number].refused
                && stored.and_then(|stored| stored.message) != Some(message.number)
            {
                return Err(format!("message {} of {} got lost", message.number, ORGS[message.org].0));
            }
        }
        Ok(())
    }
}
