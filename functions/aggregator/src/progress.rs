//! Notes how far each lane has been aggregated, which the health endpoint reports.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use store::Store;

use crate::record::Record;

/// How much later an arrival has to be than the one noted before: each note is a write and only serves as a heartbeat.
const STEP: TimeDelta = TimeDelta::seconds(10);

/// Stores the progress of lanes, and remembers what this process has stored.
pub struct Progress {
    store: Store,
    noted: Mutex<BTreeMap<u8, DateTime<Utc>>>,
}

impl Progress {
    pub fn new(store: Store) -> Self {
        Self { store, noted: Mutex::default() }
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
        match self.store.note_progress(&newest).await {
            Ok(()) => self.noted().extend(newest),
            Err(error) => tracing::warn!(%error, "failed to note the progress of lanes"),
        }
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<u8, DateTime<Utc>>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
