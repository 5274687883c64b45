//! Storing a request's events, each by itself, and learning what became of each.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use rand::RngExt;
use store::Store;
use store::events::{Fingerprint, INSERT_BATCH, Inserted, RawEvent};
use store::keys::Key;
use tokio::time::{Instant, sleep};

/// Calls in flight at once for one request.
const IN_FLIGHT: usize = 8;
/// The first pause before a retry; each further one is twice as long, and any of them up to half shorter.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Stored by this request.
    Accepted,
    /// Stored before, with the same content.
    Duplicate,
    /// Stored before, with other content.
    Conflict,
    /// Not stored, as far as is known; worth another try.
    Unavailable,
}

/// Stores `events`, trying until `deadline`, and says of each what became of it.
pub async fn insert(store: &Store, events: &[RawEvent], deadline: Instant) -> Vec<Verdict> {
    // An event given twice is stored once; both are then compared with what is stored.
    let mut first_of = HashMap::new();
    for (i, event) in events.iter().enumerate() {
        first_of.entry(&event.key).or_insert(i);
    }
    let mut firsts: Vec<usize> = first_of.values().copied().collect();
    firsts.sort_unstable();
    let stored = store_all(store, events, firsts, deadline).await;
    let verdict = |(i, event): (usize, &RawEvent)| match stored.get(&event.key) {
        None => Verdict::Unavailable,
        Some(stored) if stored.hash != event.fingerprint.hash => Verdict::Conflict,
        // Our own mark on it: stored just now, perhaps by a try whose answer was lost.
        Some(stored) if stored.request == event.fingerprint.request && first_of[&event.key] == i => {
            Verdict::Accepted
        }
        Some(_) => Verdict::Duplicate,
    };
    events.iter().enumerate().map(verdict).collect()
}

/// What is stored under each key in the end; a key that could not be stored is missing.
async fn store_all(
    store: &Store,
    events: &[RawEvent],
    mut pending: Vec<usize>,
    deadline: Instant,
) -> HashMap<Key, Fingerprint> {
    let mut stored = HashMap::new();
    let mut pause = BACK_OFF;
    loop {
        let outcomes = insert_once(store, events, &pending).await;
        let mut existing = Vec::new();
        pending.clear();
        for (i, outcome) in outcomes {
            let event = &events[i];
            match outcome {
                Inserted::Stored => drop(stored.insert(event.key.clone(), event.fingerprint)),
                Inserted::Exists => existing.push(i),
                Inserted::TryAgain => pending.push(i),
                Inserted::Refused(reason) => {
                    tracing::error!(reason, "an event was refused by the table");
                    pending.push(i);
                }
            }
        }
        let keys: Vec<_> = existing.iter().map(|i| events[*i].key.clone()).collect();
        match store.fingerprints(&keys).await {
            Ok(found) => stored.extend(found),
            Err(error) => tracing::warn!(%error, "could not read what is stored"),
        }
        // Of an event that was given twice only the first: a call that names a key twice is refused as a whole.
        pending.extend(existing.into_iter().filter(|i| !stored.contains_key(&events[*i].key)));
        let wait = jittered(pause);
        if pending.is_empty() || Instant::now() + wait >= deadline {
            return stored;
        }
        sleep(wait).await;
        pause *= 2;
    }
}

async fn insert_once(store: &Store, events: &[RawEvent], pending: &[usize]) -> Vec<(usize, Inserted)> {
    let calls = pending.chunks(INSERT_BATCH).map(|chunk| async move {
        let batch: Vec<_> = chunk.iter().map(|i| &events[*i]).collect();
        let outcomes = store.insert_events(&batch).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a batch of events was not stored");
            vec![Inserted::TryAgain; chunk.len()]
        });
        chunk.iter().copied().zip(outcomes).collect::<Vec<_>>()
    });
    let calls: Vec<_> = calls.collect();
    stream::iter(calls).buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.concat()
}

fn jittered(pause: Duration) -> Duration {
    pause * rand::rng().random_range(50..=100) / 100
}
