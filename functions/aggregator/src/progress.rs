//! Notes how far lanes and shards have been aggregated: the health endpoint reports lanes, and from the positions of shards
//! it follows up to which instant all events are counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use store::Usage;

use crate::record::Record;

/// How much later an arrival has to be than the one noted before: each note is a write and only serves as a heartbeat.
const STEP: TimeDelta = TimeDelta::seconds(10);

/// Stores the progress of lanes, and remembers what this process has stored.
pub struct Progress {
    usage: Usage,
    noted: Mutex<BTreeMap<u8, DateTime<Utc>>>,
}

impl Progress {
    pub fn new(usage: Usage) -> Self {
        Self { usage, noted: Mutex::default() }
    }

    /// Notes the newest arrival per lane among records that have been processed.
    ///
    /// No figure depends on these notes. One that fails is logged and delays nothing: the next one makes up for it.
    pub async fn note(&self, records: &[Record<'_>]) {
        let mut newest = BTreeMap::new();
        for (lane, arrival) in records.iter().filter_map(|record| record.arrival) {
            let newest = newest.entry(lane).or_insert(arrival);
            *newest = arrival.max(*newest);
        }
        {
            let noted = self.noted();
            newest.retain(|lane, newest| noted.get(lane).is_none_or(|noted| *newest - *noted >= STEP));
        }
        match self.usage.note_progress(&newest).await {
            Ok(()) => self.noted().extend(newest),
            Err(error) => tracing::warn!(%error, "failed to note the progress of lanes"),
        }
    }

    /// Notes the position of a shard after all records up to and including `last` have been processed. Where that fails,
    /// `last` has to be delivered again: if the shard had no further records, nobody would learn that it waits for nothing.
    pub async fn note_position(&self, mark: &str, last: Option<&Record<'_>>) -> bool {
        let Some((last, stored)) = last.and_then(|last| Some((last, last.stored?))) else { return true };
        let noted = self.usage.note_position(mark, &last.sequence_text, stored).await;
        noted.inspect_err(|error| tracing::warn!(%error, "failed to note the position of a shard")).is_ok()
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<u8, DateTime<Utc>>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
