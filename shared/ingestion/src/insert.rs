//! Stores the events of a request, with retries, and reports the outcome of each.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use ledger::event::Event;
use rand::RngExt;
use store::Events;
use store::events::{Fingerprint, INSERT_BATCH, Inserted, RawEvent};
use store::keys::Key;
use tokio::time::{Instant, sleep};

use crate::amend::{Amending, Arrival};
use crate::midnight;

/// Concurrent store calls per request.
pub const IN_FLIGHT: usize = 8;
/// The pause before the first retry. It doubles each time, and a random part of up to half is taken off.
pub const BACK_OFF: Duration = Duration::from_millis(50);

/// The outcome of storing one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Stored by this request.
    Accepted,
    /// Stored by this request as an amendment of an event with another time, which the event keeps.
    TimeKept,
    /// Already stored with the same content.
    Duplicate,
    /// Other content is stored under the same key.
    Conflict,
    /// A higher revision is stored.
    Superseded,
    /// Stored, and amended as often as an event may be.
    AmendedTooOften,
    /// Not known to be stored. A retry may help.
    Unavailable,
    /// Not stored, because the request would cause too much work. Another request may carry it.
    TooMuchWork,
}

impl InsertOutcome {
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::TimeKept)
    }
}

/// An event and its stored form.
pub struct Insertion {
    pub event: Event,
    pub raw: RawEvent,
}

/// Stores `insertions`, retrying until `deadline`, and returns an outcome for each.
pub async fn insert(
    table: &Events,
    insertions: &[&Insertion],
    arrival: Arrival,
    deadline: Instant,
) -> Vec<InsertOutcome> {
    let mut outcomes = midnight::outcomes(table, insertions).await;
    let here: Vec<_> = (0..insertions.len()).filter(|i| !outcomes.contains_key(i)).collect();
    let rest: Vec<_> = here.iter().map(|i| insertions[*i]).collect();
    outcomes.extend(here.into_iter().zip(insert_by_key(table, &rest, arrival, deadline).await));
    (0..insertions.len()).filter_map(|i| outcomes.remove(&i)).collect()
}

/// Stores the first revision that arrives for a key, and then the higher ones as amendments of it.
async fn insert_by_key(
    table: &Events,
    insertions: &[&Insertion],
    arrival: Arrival,
    deadline: Instant,
) -> Vec<InsertOutcome> {
    let events: Vec<&RawEvent> = insertions.iter().map(|insertion| &insertion.raw).collect();
    // If an event occurs twice in a request, only the first is stored, and both are compared with what is stored.
    let mut first_of = HashMap::new();
    for (i, event) in events.iter().enumerate() {
        first_of.entry(&event.key).or_insert(i);
    }
    let mut firsts: Vec<usize> = first_of.values().copied().collect();
    firsts.sort_unstable();
    let stored = store_all(table, &events, firsts, deadline).await;
    let later = later_revisions(&events, &stored);
    let outcome = |(i, event): (usize, &&RawEvent)| match stored.get(&event.key) {
        None => InsertOutcome::Unavailable,
        Some(stored) if stored.revision > event.fingerprint.revision => InsertOutcome::Superseded,
        // The amendment is not stored yet.
        Some(stored) if stored.revision < event.fingerprint.revision => InsertOutcome::Unavailable,
        Some(stored) if stored.hash != event.fingerprint.hash => InsertOutcome::Conflict,
        // Stored by this request, possibly by an attempt whose response was lost.
        Some(stored) if stored.request == event.fingerprint.request && first_of[&event.key] == i => {
            InsertOutcome::Accepted
        }
        Some(_) => InsertOutcome::Duplicate,
    };
    let mut outcomes: Vec<_> = events.iter().enumerate().map(outcome).collect();
    let amending = Amending { table, arrival, deadline };
    let amended = later.into_iter().map(|same| async {
        let mut outcomes = Vec::new();
        for i in same {
            outcomes.push((i, amending.amend(insertions[i]).await));
        }
        outcomes
    });
    let amended: Vec<_> = amended.collect();
    for (i, outcome) in stream::iter(amended).buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.concat() {
        outcomes[i] = outcome;
    }
    outcomes
}

/// The events whose key holds a lower revision, in order of their revisions for each key.
fn later_revisions(events: &[&RawEvent], stored: &HashMap<Key, Fingerprint>) -> Vec<Vec<usize>> {
    let mut later: BTreeMap<&Key, Vec<usize>> = BTreeMap::new();
    for (i, event) in events.iter().enumerate() {
        if stored.get(&event.key).is_some_and(|stored| stored.revision < event.fingerprint.revision) {
            later.entry(&event.key).or_default().push(i);
        }
    }
    let in_order = |mut same: Vec<usize>| {
        same.sort_by_key(|i| events[*i].fingerprint.revision);
        same
    };
    later.into_values().map(in_order).collect()
}

/// Stores events with retries, and returns what is then stored under each key. Keys that could not be stored are
/// missing.
async fn store_all(
    table: &Events,
    events: &[&RawEvent],
    mut pending: Vec<usize>,
    deadline: Instant,
) -> HashMap<Key, Fingerprint> {
    let mut stored = HashMap::new();
    let mut pause = BACK_OFF;
    loop {
        let outcomes = insert_once(table, events, &pending).await;
        let mut existing = Vec::new();
        pending.clear();
        for (i, outcome) in outcomes {
            let event = events[i];
            match outcome {
                Inserted::Stored => drop(stored.insert(event.key.clone(), event.fingerprint)),
                Inserted::Exists => existing.push(i),
                Inserted::TryAgain => pending.push(i),
                Inserted::Refused(reason) => {
                    tracing::error!(reason, "the table rejected an event");
                    pending.push(i);
                }
            }
        }
        let keys: Vec<_> = existing.iter().map(|i| events[*i].key.clone()).collect();
        match table.fingerprints(&keys).await {
            Ok(found) => stored.extend(found),
            Err(error) => tracing::warn!(%error, "could not read the stored fingerprints"),
        }
        // Each key is retried once only: DynamoDB rejects a whole call that names a key twice.
        pending.extend(existing.into_iter().filter(|i| !stored.contains_key(&events[*i].key)));
        let wait = jittered(pause);
        if pending.is_empty() || Instant::now() + wait >= deadline {
            return stored;
        }
        sleep(wait).await;
        pause *= 2;
    }
}

async fn insert_once(table: &Events, events: &[&RawEvent], pending: &[usize]) -> Vec<(usize, Inserted)> {
    let calls = pending.chunks(INSERT_BATCH).map(|chunk| async move {
        let batch: Vec<_> = chunk.iter().map(|i| events[*i]).collect();
        let outcomes = table.insert_events(&batch).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not store a batch of events");
            vec![Inserted::TryAgain; chunk.len()]
        });
        chunk.iter().copied().zip(outcomes).collect::<Vec<_>>()
    });
    let calls: Vec<_> = calls.collect();
    stream::iter(calls).buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.concat()
}

pub fn jittered(pause: Duration) -> Duration {
    pause * rand::rng().random_range(50..=100) / 100
}
