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
use rust_decimal::Decimal;
use store::error::Result;
use store::keys::Keyed;
use store::keys::{Key, LANES};
use store::repricing::{PricedEvent, RepricedDay};
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
    /// The sum of those that arrived so recently that they may not be aggregated yet. What amendments subtract is apart.
    pub recent: Rollup,
    /// What recent amendments subtract.
    pub recent_amended: Rollup,
    /// What all amendments subtract.
    pub amended: Rollup,
    /// Members of sets and rows of unpriced calls that amendments replaced. The item may still hold them.
    pub outdated: Rollup,
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
                recomputed.add(event, settled);
            }
        }
        recomputed.unreadable_keys.sort_unstable();
        Ok(recomputed)
    }

    fn add(&mut self, event: PricedEvent, settled: DateTime<Utc>) {
        self.events += 1;
        let PricedEvent { stored, is_replaced, .. } = event;
        let Ok(event) = stored.event else {
            self.unreadable += 1;
            if self.unreadable_keys.len() < MAX_NAMED {
                self.unreadable_keys.push(stored.sk);
            }
            return;
        };
        // An event without an arrival time is an old one.
        let recent = stored.received.is_some_and(|received| received > settled);
        let (contribution, outdated) = rollup::resolved(&event, is_replaced);
        if self.is_repriced
            && let Some(Data::LlmCall(call)) = event.data.in_force()
        {
            self.add_priced_items(&event, call);
        }
        for (target, members) in outdated.sums {
            self.items.entry(target.key()).or_default().outdated.merge(&members);
        }
        if let Some(user) = outdated.end_user {
            let item = self.items.entry(user.key()).or_default();
            item.outdated.insert(Measure::EndUsers, user.hash);
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
        if sums.numbers.values().any(Decimal::is_sign_negative) {
            let (added, subtracted) = by_sign(sums);
            item.amended.merge(&subtracted);
            if recent {
                item.recent.merge(&added);
                item.recent_amended.merge(&subtracted);
            }
        } else if recent {
            item.recent.merge(sums);
        }
    }
}

/// What amendments add, and what they subtract.
fn by_sign(sums: &Rollup) -> (Rollup, Rollup) {
    let (mut added, mut subtracted) = (sums.clone(), Rollup::default());
    added.numbers.retain(|_, value| value.is_sign_positive());
    let negative = sums.numbers.iter().filter(|(_, value)| value.is_sign_negative());
    subtracted.numbers = negative.map(|(column, value)| (column.clone(), *value)).collect();
    (added, subtracted)
}
