//! Recomputes a day from its raw events, by the same rollup as the aggregator's and with at most one page of events of
//! each lane in memory.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::select_all;
use ledger::event::{Data, Event, LlmCall};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::Measure;
use ledger::rollup::{Rollup, RollupId, Seen, Subject};
use store::error::Result;
use store::keys::Keyed;
use store::keys::{Key, LANES, MAX_END_USERS};
use store::raw_events::StoredEvent;
use store::reconcile::StoredRollup;
use store::repricing::RepricedDay;
use store::{Events, Usage};

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
    /// Whether repricing entries have changed since the rollups were recomputed.
    is_repriced: bool,
    /// If so, the items whose figures depend on the cost of calls.
    pub priced_items: BTreeSet<Key>,
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
    ///
    /// The cost of a call is the one that the last repricing entry lists for it, else the one that ingest stamped.
    pub async fn read(
        (events, usage): (&Events, &Usage),
        org: &OrgId,
        day: Day,
        repriced: &RepricedDay,
        settled: DateTime<Utc>,
    ) -> Result<Self> {
        let mut recomputed = Self { is_repriced: repriced.is_pending(), ..Self::default() };
        let entries = &repriced.entries;
        let lanes = (0..LANES).map(|lane| Box::pin(events.priced_events(usage, org, day, lane, entries)));
        let mut pages = select_all(lanes);
        while let Some(page) = pages.try_next().await? {
            for event in page {
                recomputed.add(event.stored, settled);
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
        if self.is_repriced
            && let Data::LlmCall(call) = &event.data
        {
            self.add_priced_items(&event, call);
        }
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

    /// Adds the items that the call counts in whatever it costs, empty where this cost counts nothing.
    fn add_priced_items(&mut self, event: &Event, call: &LlmCall) {
        let (org, day) = (&event.org, event.day);
        for item in [
            RollupId::OrgDay(org.clone(), day),
            RollupId::AgentDay(org.clone(), day, call.agent_id.clone()),
            RollupId::UnpricedDay(org.clone(), day),
        ] {
            let key = item.key();
            self.items.entry(key.clone()).or_default();
            self.priced_items.insert(key);
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
