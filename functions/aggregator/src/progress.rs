//! How far each lane has been added up, noted for whoever asks how the system is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use store::Store;

use crate::record::Record;

/// How much later an arrival has to be than the one noted before: a note costs a write, and is no more than a sign of
/// life.
const STEP: TimeDelta = TimeDelta::seconds(10);

/// What this process has noted.
pub struct Progress {
    store: Store,
    noted: Mutex<BTreeMap<u8, DateTime<Utc>>>,
}

impl Progress {
    /// Notes in the tables of `store`.
    pub fn new(store: Store) -> Self {
        Self { store, noted: Mutex::default() }
    }

    /// Notes the newest arrivals of records that have been dealt with.
    ///
    /// No figure rests on these notes, so one that fails is logged and holds nothing up: the next one makes up for it.
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
            Err(error) => tracing::warn!(%error, "how far the lanes are was not noted"),
        }
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<u8, DateTime<Utc>>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
