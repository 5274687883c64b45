//! Retries across midnight.
//!
//! The UTC day is part of an event's key. A sender that gives each attempt the current time could thus store an event
//! twice: before midnight and after it. So an event that is dated within [`WINDOW`] of midnight is looked up on the
//! other day as well. It is a duplicate if that day has an event with the same content, dated less than [`WINDOW`]
//! apart.
//!
//! This costs a read unit for each event in the window, which is 2 % of a day: some 3 cents for ten million events.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt};
use ledger::event::Event;
use store::Events;
use store::error::Result;
use store::events::StoredRevision;
use store::keys::{Key, event_key};

use crate::insert::{IN_FLIGHT, InsertOutcome, Insertion};

/// How far apart the times of two attempts may be.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// Seconds of a day of UTC.
const DAY_SECONDS: i64 = 86_400;

/// The outcomes of events that must not be inserted, by index: duplicates of events that are stored on the other side
/// of midnight or come earlier in the request, and events for which the lookup failed.
pub async fn outcomes(table: &Events, insertions: &[&Insertion]) -> HashMap<usize, InsertOutcome> {
    let near: Vec<_> = insertions
        .iter()
        .enumerate()
        .filter_map(|(index, insertion)| Some((index, key_beyond(&insertion.event)?)))
        .collect();
    match stored_beyond(table, insertions, &near).await {
        Ok(mut duplicates) => {
            duplicates.extend(repeated(insertions, &near));
            duplicates.into_iter().map(|index| (index, InsertOutcome::Duplicate)).collect()
        }
        Err(error) => {
            tracing::warn!(%error, "could not look up events on the other side of midnight");
            near.into_iter().map(|(index, _)| (index, InsertOutcome::Unavailable)).collect()
        }
    }
}

/// The events that are stored on the other day.
async fn stored_beyond(
    table: &Events,
    insertions: &[&Insertion],
    near: &[(usize, Key)],
) -> Result<BTreeSet<usize>> {
    if near.is_empty() {
        return Ok(BTreeSet::new());
    }
    // DynamoDB rejects a call that names a key twice.
    let keys: BTreeSet<_> = near.iter().map(|(_, key)| key.clone()).collect();
    let found = table.fingerprints(&keys.into_iter().collect::<Vec<_>>()).await?;
    // Few senders reuse an id, so few events are read.
    let checks = near.iter().filter(|(_, key)| found.contains_key(key)).map(|(index, key)| async move {
        let stored = table.revisions(key).await?;
        let event = &insertions[*index].event;
        Ok(stored.iter().any(|stored| is_same(event, stored)).then_some(*index))
    });
    let checks: Vec<Result<Option<usize>>> =
        stream::iter(checks.collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT).collect().await;
    checks.into_iter().filter_map(Result::transpose).collect()
}

/// The events that repeat an earlier one of the request with a time on another day.
fn repeated(insertions: &[&Insertion], near: &[(usize, Key)]) -> Vec<usize> {
    let mut firsts: HashMap<&Key, &Event> = HashMap::new();
    let mut repeated = Vec::new();
    for (index, beyond) in near {
        let Insertion { event, raw } = insertions[*index];
        match firsts.get(beyond) {
            Some(first) if differs_in_time_alone(event, first.time, first.revision, first.content_hash()) => {
                repeated.push(*index);
            }
            _ => drop(firsts.entry(&raw.key).or_insert(event)),
        }
    }
    repeated
}

fn is_same(event: &Event, stored: &StoredRevision) -> bool {
    differs_in_time_alone(event, stored.time, stored.fingerprint.revision, stored.fingerprint.hash)
}

/// Whether the event has this revision and hash, and a time within [`WINDOW`] of `time`.
fn differs_in_time_alone(event: &Event, time: DateTime<Utc>, revision: u64, hash: [u8; 16]) -> bool {
    let apart = event.time.signed_duration_since(time).abs();
    apart < WINDOW && event.revision == revision && Event { time, ..event.clone() }.content_hash() == hash
}

/// The key that the event would have on the other side of midnight, if midnight is within [`WINDOW`].
fn key_beyond(event: &Event) -> Option<Key> {
    let (day, window) = (event.utc_day(), WINDOW.num_seconds());
    let second = event.time.timestamp().rem_euclid(DAY_SECONDS);
    let beyond = if second < window {
        day.minus(1)
    } else if second >= DAY_SECONDS - window {
        day.next()
    } else {
        return None;
    };
    Some(event_key(&event.org, beyond, event.source.as_str(), event.id.as_str()))
}
