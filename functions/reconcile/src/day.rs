//! Reconciles one day of one organization: reads the rollups, recomputes them, compares, and repairs what differs.
//!
//! Rollups are read before raw events, so anything aggregated is also in the raw events; extra raw events may simply
//! not be aggregated yet. A repaired item is sealed. An event that hits a sealed item marks its day as dirty, and the
//! day is then recomputed with that event.
//!
//! Repricing entries that hold for the day change what its events cost. The aggregator does not know them: it only ever
//! adds stamped costs. So when the entries of a day have changed, every item that counts costs is rewritten and sealed,
//! even an item that is missing or correct. From then on the aggregator adds none of the repriced calls to it, and a
//! process that still works with the former entries finds each item changed. Entries are read before and after everything
//! else, so that a change in between is noticed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::{Seen, Subject};
use runtime::clock::Clock;
use store::error::Result;
use store::keys::Key;
use store::repricing::RepricedDay;

use crate::Tables;
use crate::compare::Lag;
use crate::recompute::RecomputedDay;
use crate::repair::{ComparedItem, Repair};
use crate::report::DayReport;
use crate::request::Actions;
use crate::stored;

/// An event that arrived less than this long ago may not be aggregated yet.
pub const SETTLE: TimeDelta = TimeDelta::minutes(15);
/// How often a day is compared when it keeps changing.
const ROUNDS: usize = 4;

/// A day to be reconciled.
pub struct DayReconciliation<'a> {
    pub tables: &'a Tables,
    pub clock: &'a Clock,
    pub org: &'a OrgId,
    pub day: Day,
    pub actions: Actions,
}

/// A day, compared.
struct ComparedDay {
    items: Vec<ComparedItem>,
    /// Items that could not be listed and were therefore read after the events.
    unlisted: BTreeSet<Key>,
    seen: BTreeMap<Subject, Seen>,
}

impl ComparedDay {
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
        for round in 1..=ROUNDS {
            let repriced = self.tables.usage.repriced_day(self.org, self.day).await?;
            let token = self.tables.usage.dirty_token(self.org, self.day).await?;
            let mut compared = self.compare(&mut report, &extra, &repriced, token.is_some()).await?;
            if report.unreadable > 0 {
                // What the malformed events would add is unknown, so no comparison is possible.
                return Ok(report);
            }
            let other = self.tables.usage.repriced_day(self.org, self.day).await?;
            if repriced.version != other.version {
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
            report.note(items.iter().map(|item| &item.comparison));
            if !self.actions.repair {
                return Ok(report);
            }
            extra.extend(items.iter().map(|item| item.key.clone()));
            if self.repair(&items, compared.seen, &repriced, token.as_deref(), &mut report).await? {
                return Ok(report);
            }
        }
        report.is_restless = true;
        Ok(report)
    }

    async fn compare(
        &self,
        report: &mut DayReport,
        extra: &BTreeSet<Key>,
        repriced: &RepricedDay,
        is_dirty: bool,
    ) -> Result<ComparedDay> {
        let settled = self.clock.now() - SETTLE;
        let mut stored = stored::read(&self.tables.usage, self.org, self.day, extra).await?;
        let tables = (&self.tables.events, &self.tables.usage);
        let mut recomputed = RecomputedDay::read(tables, self.org, self.day, repriced, settled).await?;
        report.read(&mut recomputed);
        let unlisted: BTreeSet<_> =
            recomputed.items.keys().filter(|key| !stored.contains_key(*key)).cloned().collect();
        stored.extend(stored::read_keys(&self.tables.usage, unlisted.iter().cloned().collect()).await?);
        let items = stored.into_iter().map(|(key, item)| {
            let expected = recomputed.items.remove(&key).unwrap_or_default();
            let lag = match is_dirty {
                _ if recomputed.priced_items.contains(&key) => Lag::Repriced,
                true if item.sealed.is_some() => Lag::Sealed,
                _ => Lag::Recent,
            };
            ComparedItem::new(key, item, expected, self.day, lag)
        });
        Ok(ComparedDay { items: items.collect::<Result<_>>()?, unlisted, seen: recomputed.seen })
    }

    /// Repairs the items, and clears the dirty mark of a day that is as it should be. Returns false if another round is
    /// needed.
    async fn repair(
        &self,
        items: &[ComparedItem],
        seen: BTreeMap<Subject, Seen>,
        repriced: &RepricedDay,
        token: Option<&str>,
        report: &mut DayReport,
    ) -> Result<bool> {
        let (tables, clock, org, day) = (self.tables, self.clock, self.org, self.day);
        let repair = Repair { tables, clock, org, day, seal: self.actions.seal };
        let done = repair.items(items, report).await?;
        if report.repaired > 0 {
            // Events that were never aggregated may be the only ones of an agent that the registry does not know.
            self.store_seen(seen).await?;
        }
        if report.too_large > 0 || report.is_restless {
            // Something is still wrong, so a dirty day stays dirty.
            return Ok(true);
        }
        if done && repriced.is_pending() && !tables.usage.note_recomputed(org, day, repriced.version).await? {
            return Ok(false);
        }
        if done && let Some(token) = token {
            tables.usage.clear_dirty(org, day, token).await?;
        }
        Ok(done)
    }

    async fn store_seen(&self, seen: BTreeMap<Subject, Seen>) -> Result<()> {
        let store =
            async |subject: Subject, seen: Seen| self.tables.registry.see(self.org, &subject, &seen).await;
        let stored = seen.into_iter().map(|(subject, seen)| store(subject, seen));
        stream::iter(stored).buffer_unordered(stored::IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
    }
}
