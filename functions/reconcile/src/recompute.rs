//! Recomputes a day from its raw events, by the same rollup as the aggregator's and with at most one page of events of
//! each lane in memory.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::select_all;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::Measure;
use ledger::rollup::{Rollup, Seen, Subject};
use store::Events;
use store::error::Result;
use store::keys::Keyed;
use store::keys::{Key, LANES, MAX_END_USERS};
use store::raw_events::StoredEvent;
use store::reconcile::StoredRollup;

/// The most malformed events whose keys are reported.
const MAX_NAMED: usize = 20;

/// Everything that a day's events add up to.
#[derive(Default)]
pub struct RecomputedDay {
    pub items: BTreeMap<Key, Recomputed>,
    /// Events that were read.
    pub events: u64,
    /// Events that are malformed.
    pub unreadable: u64,
    /// The keys of some of these.
    pub unreadable_keys: Vec<String>,
    /// What the events say about the organization, its agents and its nodes.
    pub seen: BTreeMap<Subject, Seen>,
}

/// What a day's events add to one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recomputed {
    /// The sum of all events.
    pub all: Rollup,
    /// The sum of those that arrived so recently that they may not be aggregated yet.
    pub recent: Rollup,
}

impl Recomputed {
    /// What an item can hold of it that is full, or that is a full bucket of end users; anything else has room for all.
    /// `columns` are those of the item that are about the day.
    #[must_use]
    pub fn fit(self, stored: &StoredRollup, columns: &Rollup) -> Self {
        let users = columns.sets.get(&Measure::EndUsers.into()).map_or(0, BTreeSet::len);
        if !stored.full && users < MAX_END_USERS {
            return self;
        }
        let kept = columns.columns().cloned().collect();
        let fit = |sums: &Rollup| {
            let mut within = sums.within(&kept);
            for (column, members) in &sums.sets {
                // Which members came first cannot be recomputed, only that none is made up.
                let held = columns.sets.get(column).map(|held| held & members).unwrap_or_default();
                within.sets.insert(column.clone(), held);
            }
            within.sets.retain(|_, members| !members.is_empty());
            within
        };
        Self { all: fit(&self.all), recent: fit(&self.recent) }
    }
}

impl RecomputedDay {
    /// Reads the day's events from all lanes. Those that arrived after `settled` are recent.
    pub async fn read(events: &Events, org: &OrgId, day: Day, settled: DateTime<Utc>) -> Result<Self> {
        let mut recomputed = Self::default();
        let lanes = (0..LANES).map(|lane| Box::pin(events.raw_events(org, day, lane)));
        let mut pages = select_all(lanes);
        while let Some(page) = pages.try_next().await? {
            for event in page {
                recomputed.add(event, settled);
            }
        }
        recomputed.unreadable_keys.sort_unstable();
        Ok(recomputed)
    }

    fn add(&mut self, stored: StoredEvent, settled: DateTime<Utc>) {
        self.events += 1;
        let Ok(event) = stored.event else {
            self.unreadable += 1;
            if self.unreadable_keys.len() < MAX_NAMED {
                self.unreadable_keys.push(stored.sk);
            }
            return;
        };
        // An event without an arrival time is an old one.
        let recent = stored.received.is_some_and(|received| received > settled);
        let contribution = rollup::contribution(&event);
        for (target, sums) in contribution.sums {
            self.add_to_item(target.key(), &sums, recent);
        }
        for sighting in contribution.sightings {
            let seen = self.seen.entry(sighting.subject).or_insert_with(|| sighting.seen.clone());
            seen.merge(&sighting.seen);
        }
        if let Some(user) = contribution.end_user {
            let mut sums = Rollup::default();
            sums.insert(Measure::EndUsers, user.hash);
            self.add_to_item(user.key(), &sums, recent);
        }
    }

    fn add_to_item(&mut self, key: Key, sums: &Rollup, recent: bool) {
        let item = self.items.entry(key).or_default();
        item.all.merge(sums);
        if recent {
            item.recent.merge(sums);
        }
    }
}
