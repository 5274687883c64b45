//! Reconciles one day of one organization: reads the rollups, recomputes them, compares, and repairs what differs.
//!
//! Rollups are read before raw events, so anything aggregated is also in the raw events; extra raw events may simply
//! not be aggregated yet. A repaired item is sealed. An event that hits a sealed item marks its day as dirty, and the
//! day is then recomputed with that event.
//!
//! Repricing entries that hold for a day of UTC change what its events cost. The aggregator does not know them: it only
//! ever adds stamped costs. So when the entries of a day have changed, every item that counts costs of its events is
//! rewritten and sealed, even an item that is missing or correct. From then on the aggregator adds none of the repriced
//! calls to it, and a process that still works with the former entries finds each item changed. Entries are read before
//! and after everything else, so that a change in between is noticed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::{Seen, Subject};
use runtime::clock::Clock;
use store::error::Result;
use store::keys::Key;

use crate::Tables;
use crate::agents::{AgentsLag, ComparedPack, RecomputedAgents};
use crate::compare::Lag;
use crate::recompute::{Cut, RecomputedDay, RepricedDays};
use crate::repair::{ComparedItem, Repair};
use crate::replay::quarantined_events;
use crate::report::DayReport;
use crate::request::Actions;
use crate::stored::{self, Parts, StoredDay};

/// An event that arrived less than this long ago may not be aggregated yet.
pub const SETTLE: TimeDelta = TimeDelta::minutes(15);
/// How far the clocks of two functions may differ, and more.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(10);
/// How often a day is compared when it keeps changing. Agents' days may take a round more than others.
const ROUNDS: usize = 5;

/// A day to be reconciled.
pub struct DayReconciliation<'a> {
    pub tables: &'a Tables,
    pub clock: &'a Clock,
    pub org: &'a OrgId,
    pub day: Day,
    pub scope: Scope<'a>,
    pub actions: Actions,
    /// See [`CompactionPolicy`](crate::CompactionPolicy).
    pub block_bytes: usize,
}

/// Which of a day's rollups are reconciled.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Those by UTC, and those of every calendar by which the day should be complete.
    Complete,
    /// Those of a generation that is being built.
    Build {
        to: Calendar,
        /// The dimensions that its rollups tell apart.
        tracked: &'a TrackedDimensions,
        /// The calendar that it is to replace.
        from: Calendar,
        /// When the build was begun. What arrived well after this has been added by the aggregator, or will be.
        started: DateTime<Utc>,
    },
}

/// A day, compared.
struct ComparedDay {
    items: Vec<ComparedItem>,
    /// The packs of agents' days.
    packs: Vec<ComparedPack>,
    /// Items that could not be listed and were therefore read after the events.
    unlisted: BTreeSet<Key>,
    seen: BTreeMap<Subject, Seen>,
}

impl ComparedDay {
    /// Whether anything misses events that may still be aggregated.
    fn is_behind(&self) -> bool {
        let packs = self.packs.iter().map(|pack| &pack.comparison);
        self.items.iter().map(|item| &item.comparison).chain(packs).any(|comparison| comparison.behind > 0)
    }

    /// Whether a difference may only come from reading the item after the events: it may contain younger ones. The next
    /// round reads the item before them.
    fn is_inconclusive(&self, item: &ComparedItem) -> bool {
        self.unlisted.contains(&item.key) && !item.comparison.is_equal()
    }
}

impl DayReconciliation<'_> {
    pub async fn run(&self) -> Result<DayReport> {
        let mut report = DayReport::new(self.org, self.day);
        let mut extra = BTreeSet::new();
        // Read once they may matter, since a quarantine can be long.
        let mut quarantined = None;
        for round in 1..=ROUNDS {
            let token = self.tables.usage.dirty_token(self.org, self.day).await?;
            let (calendars, tracked, are_all) = self.calendars().await?;
            let utc = matches!(self.scope, Scope::Complete);
            let known = quarantined.clone().unwrap_or_default();
            let (calendars, tracked) = (&calendars, &tracked);
            let cut = Cut { org: self.org, day: self.day, calendars, tracked, utc, quarantined: &known };
            let repriced = self.repriced(cut).await?;
            let mut compared = self.compare(&mut report, cut, &extra, &repriced, token.is_some()).await?;
            if quarantined.is_none() && compared.is_behind() && round < ROUNDS {
                let found = quarantined_events(&self.tables.usage, self.org, &cut.utc_days()).await?;
                report.quarantined = found.len() as u64;
                let is_news = !found.is_empty();
                quarantined = Some(found);
                if is_news {
                    continue;
                }
            }
            if report.unreadable > 0 && matches!(self.scope, Scope::Complete) {
                // What the malformed events would add is unknown, so no comparison is possible. A generation is built
                // without them: they are quarantined, and missing from every other generation as well.
                return Ok(report);
            }
            if self.repriced(cut).await?.versions() != repriced.versions() {
                report.is_restless = true;
                continue;
            }
            report.is_restless = compared.items.iter().any(|item| compared.is_inconclusive(item));
            if report.is_restless && round < ROUNDS {
                extra.extend(compared.unlisted);
                continue;
            }
            // After the last round, inconclusive items are neither counted nor written.
            let items = std::mem::take(&mut compared.items);
            let items: Vec<_> = items.into_iter().filter(|item| !compared.is_inconclusive(item)).collect();
            let packs = std::mem::take(&mut compared.packs);
            let comparisons = packs.iter().map(|pack| &pack.comparison);
            report.note(items.iter().map(|item| &item.comparison).chain(comparisons));
            if !self.actions.repair {
                return Ok(report);
            }
            extra.extend(items.iter().map(|item| item.key.clone()));
            let token = token.as_deref().filter(|_| are_all);
            if self.repair((&items, &packs), (compared.seen, calendars), token, &mut report).await? {
                report.is_complete = are_all && report.too_large == 0 && !report.is_restless;
                return Ok(report);
            }
        }
        report.is_restless = true;
        Ok(report)
    }

    /// The calendars whose rollups are reconciled, with the dimensions that these tell apart, and whether those are all that
    /// the aggregator adds to.
    ///
    /// To be read after the mark of a dirty day: a mark for the sake of a generation that these lack is younger.
    async fn calendars(&self) -> Result<(Vec<Calendar>, BTreeMap<Generation, TrackedDimensions>, bool)> {
        match self.scope {
            Scope::Complete => {
                let all = self.tables.registry.calendars(self.org).await?.calendars;
                let (complete, are_all) = all.complete(self.day);
                let tracked = complete.iter().map(|calendar| calendar.generation);
                let tracked = tracked.map(|generation| (generation, all.tracked_in(generation))).collect();
                Ok((complete, tracked, are_all))
            }
            Scope::Build { to, tracked, .. } => {
                Ok((vec![to], BTreeMap::from([(to.generation, tracked.clone())]), false))
            }
        }
    }

    async fn repriced(&self, cut: Cut<'_>) -> Result<RepricedDays> {
        let is_build = matches!(self.scope, Scope::Build { .. });
        RepricedDays::read(&self.tables.usage, cut, is_build).await
    }

    async fn compare(
        &self,
        report: &mut DayReport,
        cut: Cut<'_>,
        extra: &BTreeSet<Key>,
        repriced: &RepricedDays,
        is_dirty: bool,
    ) -> Result<ComparedDay> {
        let generations: Vec<_> = cut.calendars.iter().map(|calendar| calendar.generation).collect();
        let parts = Parts { org: self.org, generations: &generations, utc: cut.utc };
        let StoredDay { items: mut stored, agents } =
            stored::read(&self.tables.usage, parts, self.day, extra).await?;
        let mut recomputed = self.recompute(cut, repriced).await?;
        report.read(&mut recomputed);
        let unlisted: BTreeSet<_> =
            recomputed.items.keys().filter(|key| !stored.contains_key(*key)).cloned().collect();
        stored.extend(stored::read_keys(&self.tables.usage, unlisted.iter().cloned().collect()).await?);
        let packs = agents.into_iter().flat_map(|(generation, stored)| {
            let recomputed_agents = recomputed.agents.remove(&generation);
            let recomputed_agents =
                recomputed_agents.unwrap_or_else(|| RecomputedAgents::new(TrackedDimensions::none()));
            let lag = AgentsLag {
                dirty: is_dirty,
                repriced: recomputed.priced_agents.contains(&generation),
                build: matches!(self.scope, Scope::Build { .. }),
            };
            stored.compared(&recomputed_agents, lag)
        });
        let packs = packs.collect();
        let items = stored.into_iter().map(|(key, item)| {
            let mut expected = recomputed.items.remove(&key).unwrap_or_default();
            if matches!(self.scope, Scope::Build { .. }) {
                expected = expected.of_build(item.sealed.is_some());
            }
            let lag = match is_dirty {
                _ if recomputed.priced_items.contains(&key) => Lag::Repriced,
                true if item.sealed.is_some() => Lag::Sealed,
                _ => Lag::Recent,
            };
            ComparedItem::new(key, item, expected, self.day, lag)
        });
        let items = items.collect::<Result<_>>()?;
        Ok(ComparedDay { items, packs, unlisted, seen: recomputed.seen })
    }

    async fn recompute(&self, cut: Cut<'_>, repriced: &RepricedDays) -> Result<RecomputedDay> {
        let (org, day) = (self.org, self.day);
        let settled = match self.scope {
            Scope::Complete => self.clock.now() - SETTLE,
            Scope::Build { to, from, .. } if to.since.is_some_and(|since| day < since.day) => {
                let parts = Parts { org, generations: &[from.generation], utc: false };
                let stored = stored::read(&self.tables.usage, parts, day, &BTreeSet::new()).await?;
                return Ok(RecomputedDay::copied(&stored, cut, from.generation, to.generation));
            }
            Scope::Build { started, .. } => started + CLOCK_SKEW,
        };
        let tables = (&self.tables.events, &self.tables.usage);
        RecomputedDay::read(tables, cut, repriced, settled).await
    }

    /// Repairs the items, and clears the dirty mark of a day that is as it should be. Returns false if another round is
    /// needed.
    async fn repair(
        &self,
        (items, packs): (&[ComparedItem], &[ComparedPack]),
        (seen, calendars): (BTreeMap<Subject, Seen>, &[Calendar]),
        token: Option<&str>,
        report: &mut DayReport,
    ) -> Result<bool> {
        let (tables, clock, org, day) = (self.tables, self.clock, self.org, self.day);
        let (seal, block_bytes) = (self.actions.seal, self.block_bytes);
        let repair = Repair { tables, clock, org, day, seal, block_bytes };
        let (items_done, written) = repair.items(items, report).await?;
        let done = repair.packs(packs, items, written, report).await? && items_done;
        if report.repaired > 0 || matches!(self.scope, Scope::Build { .. }) {
            // Events that were never aggregated may be the only ones of an agent that the registry does not know. And
            // what made no difference by the old calendar may make one by the new.
            self.store_seen(seen, calendars).await?;
        }
        if report.too_large > 0 || report.is_restless {
            // Something is still wrong, so a dirty day stays dirty.
            return Ok(true);
        }
        if done && let Some(token) = token {
            tables.usage.clear_dirty(org, day, token).await?;
        }
        Ok(done)
    }

    async fn store_seen(&self, seen: BTreeMap<Subject, Seen>, calendars: &[Calendar]) -> Result<()> {
        let store = async |subject: Subject, seen: Seen| {
            self.tables.registry.see(self.org, &subject, &seen, calendars).await
        };
        let stored = seen.into_iter().map(|(subject, seen)| store(subject, seen));
        stream::iter(stored).buffer_unordered(stored::IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
    }
}
