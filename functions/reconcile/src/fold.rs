//! A day computed anew from its raw events: the same fold as the aggregator's, and never more than a page of events in
//! memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::select_all;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::Column;
use ledger::rollup::{Seen, Subject, Sums};
use store::Store;
use store::error::Result;
use store::keys::Keyed;
use store::keys::{END_USERS, Key, LANES};
use store::proof::StoredEvent;

/// Events that cannot be read are named up to this number.
const NAMED: usize = 20;

/// What a day's events come to.
#[derive(Default)]
pub struct Fold {
    /// By item.
    pub parts: BTreeMap<Key, Part>,
    /// Events that were read.
    pub events: u64,
    /// Events that could not be read.
    pub unreadable: u64,
    /// The keys of some of these.
    pub unreadable_keys: Vec<String>,
    /// Who was seen.
    pub seen: BTreeMap<Subject, Seen>,
}

/// What a day's events add to one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// All of them.
    pub all: Sums,
    /// Those that arrived only just now, so that they may still be on their way.
    pub recent: Sums,
}

impl Fold {
    /// Reads a day's events, those of all lanes, and adds them up. Those that arrived after `settled` are recent.
    pub async fn of(store: &Store, org: &OrgId, day: Day, settled: DateTime<Utc>) -> Result<Self> {
        let mut fold = Self::default();
        let lanes = (0..LANES).map(|lane| Box::pin(store.raw_events(org, day, lane)));
        let mut pages = select_all(lanes);
        while let Some(page) = pages.try_next().await? {
            for event in page {
                fold.add(event, settled);
            }
        }
        fold.unreadable_keys.sort_unstable();
        Ok(fold)
    }

    fn add(&mut self, stored: StoredEvent, settled: DateTime<Utc>) {
        self.events += 1;
        let Ok(event) = stored.event else {
            self.unreadable += 1;
            if self.unreadable_keys.len() < NAMED {
                self.unreadable_keys.push(stored.sk);
            }
            return;
        };
        // One that does not say when it arrived has been here for long.
        let recent = stored.received.is_some_and(|received| received > settled);
        let brings = rollup::contribution(&event);
        for (target, sums) in brings.sums {
            self.part(target.key(), &sums, recent);
        }
        for sighting in brings.sightings {
            let seen = self.seen.entry(sighting.subject).or_insert_with(|| sighting.seen.clone());
            seen.merge(&sighting.seen);
        }
        if let Some(user) = brings.end_user {
            let mut sums = Sums::default();
            sums.insert(Column::stored(END_USERS.to_owned()), user.hash);
            self.part(user.key(), &sums, recent);
        }
    }

    fn part(&mut self, key: Key, sums: &Sums, recent: bool) {
        let part = self.parts.entry(key).or_default();
        part.all.merge(sums);
        if recent {
            part.recent.merge(sums);
        }
    }
}
