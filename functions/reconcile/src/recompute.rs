//! Recomputes a day from its raw events, by the same rollup as the aggregator's and with at most one page of events of
//! each lane in memory.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::select_all;
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::Measure;
use ledger::rollup::{Rollup, RollupId, Seen, Subject};
use rust_decimal::Decimal;
use store::error::Result;
use store::keys::Keyed;
use store::keys::{Key, LANES, MAX_END_USERS, in_generation, own_day};
use store::reconcile::StoredRollup;
use store::repricing::{PricedEvent, RepricedDay};
use store::{Events, Usage};

use crate::agents::{RecomputedAgents, StoredAgents};
use crate::replay::EventId;
use crate::stored::StoredDay;

/// The most malformed events whose keys are reported.
const MAX_NAMED: usize = 20;

/// A day, and which of its rollups are recomputed.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    pub org: &'a OrgId,
    pub day: Day,
    /// Rollups by day are recomputed for these calendars: the day's of each.
    pub calendars: &'a [Calendar],
    /// The dimensions that the rollups of each of these tell apart.
    pub tracked: &'a BTreeMap<Generation, TrackedDimensions>,
    /// Whether the rollups by UTC are recomputed, too: those of the UTC day with the same date.
    pub utc: bool,
    /// Events that are in quarantine. However late they arrived, the aggregator is done with them.
    pub quarantined: &'a BTreeSet<EventId>,
}

impl Cut<'_> {
    /// The days of UTC that the day's events are read from.
    pub fn utc_days(&self) -> BTreeSet<Day> {
        let days = self.calendars.iter().flat_map(|calendar| calendar.utc_days(self.day).days());
        days.chain(self.utc.then_some(self.day)).collect()
    }

    /// From when on an event counts as recent.
    fn settled(&self, event: &PricedEvent, settled: DateTime<Utc>) -> DateTime<Utc> {
        let is_quarantined = !self.quarantined.is_empty()
            && event.stored.event.as_ref().is_ok_and(|event| {
                let id = (event.utc_day(), event.source.to_string(), event.id.to_string());
                self.quarantined.contains(&id)
            });
        if is_quarantined { DateTime::<Utc>::MAX_UTC } else { settled }
    }

    fn tracked(&self, generation: Generation) -> TrackedDimensions {
        self.tracked.get(&generation).cloned().unwrap_or_else(TrackedDimensions::none)
    }

    /// The calendars in which an event is on the day.
    fn calendars_with(&self, event: &Event) -> Vec<Calendar> {
        let on_day = |calendar: &&Calendar| calendar.day(event.time) == Some(self.day);
        self.calendars.iter().filter(on_day).copied().collect()
    }
}

/// The repricing entries that hold for the days of UTC that a day's events are read from.
pub struct RepricedDays {
    days: BTreeMap<Day, RepricedDay>,
    is_build: bool,
}

impl RepricedDays {
    pub async fn read(usage: &Usage, cut: Cut<'_>, is_build: bool) -> Result<Self> {
        let mut days = BTreeMap::new();
        for day in cut.utc_days() {
            days.insert(day, usage.repriced_day(cut.org, day).await?);
        }
        Ok(Self { days, is_build })
    }

    pub fn versions(&self) -> Vec<u64> {
        self.days.values().map(|day| day.version).collect()
    }

    /// Whether every item is rewritten that counts costs of a day's calls. The aggregator adds stamped costs to a
    /// generation that is being built, whatever entries hold.
    fn is_rewritten(&self, day: &RepricedDay) -> bool {
        day.is_pending() || self.is_build && !day.entries.is_empty()
    }
}

/// Everything that a day's events add up to.
#[derive(Default)]
pub struct RecomputedDay {
    pub items: BTreeMap<Key, Recomputed>,
    /// What they add to the days of agents.
    pub agents: BTreeMap<Generation, RecomputedAgents>,
    /// Events of the day.
    pub events: u64,
    /// Events that are malformed.
    pub unreadable: u64,
    /// The keys of some of these.
    pub unreadable_keys: Vec<String>,
    /// What the events say about the organization, its agents and its nodes.
    pub seen: BTreeMap<Subject, Seen>,
    /// The items whose figures depend on the cost of calls that were repriced.
    pub priced_items: BTreeSet<Key>,
    /// The generations whose agents' days do.
    pub priced_agents: BTreeSet<Generation>,
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

impl Recomputed {
    /// What has to be in an item of a generation that is being built. Events that arrived before the build may be missing
    /// from it although later ones are there, so it is complete only if it is equal; unless all of its events arrived
    /// later. Those the aggregator adds, but not to a sealed item.
    #[must_use]
    pub fn of_build(self, sealed: bool) -> Self {
        if self.all == self.recent && !sealed {
            return self;
        }
        Self { recent: Rollup::default(), recent_amended: Rollup::default(), ..self }
    }

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
        Self {
            all: fit(&self.all),
            recent: fit(&self.recent),
            recent_amended: fit(&self.recent_amended),
            amended: fit(&self.amended),
            outdated: self.outdated,
        }
    }
}

impl RecomputedDay {
    /// Reads the events that the day's rollups are made of, from all lanes of the days of UTC that the day overlaps. Those
    /// that arrived after `settled` are recent.
    ///
    /// The cost of a call is the one that the last repricing entry lists for it, else the one that ingest stamped.
    pub async fn read(
        (events, usage): (&Events, &Usage),
        cut: Cut<'_>,
        repriced: &RepricedDays,
        settled: DateTime<Utc>,
    ) -> Result<Self> {
        let mut recomputed = Self::default();
        let lanes = repriced.days.iter().flat_map(|(utc_day, of_day)| {
            let lanes = (0..LANES).map(|lane| {
                let pages = events.priced_events(usage, cut.org, *utc_day, lane, &of_day.entries);
                pages.map_ok(|page| (page, repriced.is_rewritten(of_day)))
            });
            lanes.map(Box::pin)
        });
        let mut pages = select_all(lanes);
        while let Some((page, is_repriced)) = pages.try_next().await? {
            for event in page {
                let settled = cut.settled(&event, settled);
                recomputed.add(event, cut, is_repriced, settled);
            }
        }
        recomputed.unreadable_keys.sort_unstable();
        Ok(recomputed)
    }

    /// Takes the rollups of a day from another generation, for a day whose raw events have expired. `stored` are its
    /// items.
    pub fn copied(stored: &StoredDay, cut: Cut<'_>, from: Generation, to: Generation) -> Self {
        let Cut { org, day, .. } = cut;
        let mut copied = Self::default();
        let rows = stored.agents.get(&from).map(StoredAgents::rows).unwrap_or_default();
        copied.agents.insert(to, RecomputedAgents::copied(cut.tracked(to), &rows));
        for (key, item) in &stored.items {
            let own = own_day(key).unwrap_or(day);
            let part = item.columns.part((day.date() - own.date()).num_days());
            if let Some(key) = in_generation(key, org, from, to).filter(|_| !part.is_empty()) {
                copied.items.insert(key, Recomputed { all: part, ..Recomputed::default() });
            }
        }
        copied
    }

    fn add(&mut self, event: PricedEvent, cut: Cut<'_>, is_repriced: bool, settled: DateTime<Utc>) {
        let PricedEvent { stored, is_replaced, .. } = event;
        let Ok(event) = stored.event else { return self.add_unreadable(stored.sk) };
        let calendars = cut.calendars_with(&event);
        let of_utc = cut.utc && event.utc_day() == cut.day;
        if calendars.is_empty() && !of_utc {
            return;
        }
        self.events += 1;
        // An event without an arrival time is an old one.
        let recent = stored.received.is_some_and(|received| received > settled);
        for calendar in &calendars {
            let generation = calendar.generation;
            let new = || RecomputedAgents::new(cut.tracked(generation));
            if self.agents.entry(generation).or_insert_with(new).add(&event, recent).is_err() {
                // The aggregator quarantines it.
                return self.add_unreadable(stored.sk);
            }
        }
        let (contribution, outdated) = rollup::resolved(&event, is_replaced, &calendars);
        if is_repriced && matches!(event.data.in_force(), Some(Data::LlmCall(_))) {
            self.add_priced_items(&event, &calendars);
        }
        for (target, members) in outdated.sums {
            if of_utc || target.generation().is_some() {
                self.items.entry(target.key()).or_default().outdated.merge(&members);
            }
        }
        for user in outdated.end_users {
            let item = self.items.entry(user.key()).or_default();
            item.outdated.insert(Measure::EndUsers, user.hash);
        }
        for (target, sums) in contribution.sums {
            if of_utc || target.generation().is_some() {
                self.add_to_item(target.key(), &sums, recent);
            }
        }
        for sighting in contribution.sightings {
            let seen = self.seen.entry(sighting.subject).or_insert_with(|| sighting.seen.clone());
            seen.merge(&sighting.seen);
        }
        for user in contribution.end_users {
            let mut sums = Rollup::default();
            sums.insert(Measure::EndUsers, user.hash);
            self.add_to_item(user.key(), &sums, recent);
        }
    }

    fn add_unreadable(&mut self, sk: String) {
        self.unreadable += 1;
        if self.unreadable_keys.len() < MAX_NAMED {
            self.unreadable_keys.push(sk);
        }
    }

    /// Adds the items that the call counts in whatever it costs, empty where this cost counts nothing.
    fn add_priced_items(&mut self, event: &Event, calendars: &[Calendar]) {
        for calendar in calendars {
            let (org, generation) = (&event.org, calendar.generation);
            let Some(day) = calendar.day(event.time) else { continue };
            self.priced_agents.insert(generation);
            for item in [
                RollupId::OrgDay(org.clone(), generation, day),
                RollupId::UnpricedDay(org.clone(), generation, day),
            ] {
                let key = item.key();
                self.items.entry(key.clone()).or_default();
                self.priced_items.insert(key);
            }
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
