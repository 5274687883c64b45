//! Reconciles one day of one organization: reads the rollups, recomputes them, compares, and repairs what differs.
//!
//! Rollups are read before raw events, so anything aggregated is also in the raw events; extra raw events may simply
//! not be aggregated yet. A repaired item is sealed. An event that hits a sealed item marks its day as dirty, and the
//! day is then recomputed with that event.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::stream::{self, StreamExt, TryStreamExt};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::{Seen, Subject};
use runtime::clock::Clock;
use store::Store;
use store::error::Result;
use store::keys::Key;

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
    pub store: &'a Store,
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
            let token = self.store.dirty_token(self.org, self.day).await?;
            let mut compared = self.compare(&mut report, &extra, token.is_some()).await?;
            if report.unreadable > 0 {
                // What the malformed events would add is unknown, so no comparison is possible.
                return Ok(report);
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
            if self.repair(&items, compared.seen, token.as_deref(), &mut report).await? {
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
        dirty: bool,
    ) -> Result<ComparedDay> {
        let settled = self.clock.now() - SETTLE;
        let mut stored = stored::read(self.store, self.org, self.day, extra).await?;
        let mut recomputed = RecomputedDay::read(self.store, self.org, self.day, settled).await?;
        report.read(&mut recomputed);
        let unlisted: BTreeSet<_> =
            recomputed.items.keys().filter(|key| !stored.contains_key(*key)).cloned().collect();
        stored.extend(stored::read_keys(self.store, unlisted.iter().cloned().collect()).await?);
        let items = stored.into_iter().map(|(key, item)| {
            let recomputed = recomputed.items.remove(&key).unwrap_or_default();
            ComparedItem::new(key, item, recomputed, self.day, dirty)
        });
        Ok(ComparedDay { items: items.collect::<Result<_>>()?, unlisted, seen: recomputed.seen })
    }

    /// Repairs the items, and clears the dirty mark of a day that is as it should be. Returns false if another round is
    /// needed.
    async fn repair(
        &self,
        items: &[ComparedItem],
        seen: BTreeMap<Subject, Seen>,
        token: Option<&str>,
        report: &mut DayReport,
    ) -> Result<bool> {
        let (store, clock, org, day) = (self.store, self.clock, self.org, self.day);
        let repair = Repair { store, clock, org, day, seal: self.actions.seal };
        let done = repair.items(items, report).await?;
        if report.repaired > 0 {
            // Events that were never aggregated may be the only ones of an agent that the registry does not know.
            self.store_seen(seen).await?;
        }
        if report.too_large > 0 || report.is_restless {
            // Something is still wrong, so a dirty day stays dirty.
            return Ok(true);
        }
        if done && let Some(token) = token {
            self.store.clear_dirty(self.org, self.day, token).await?;
        }
        Ok(done)
    }

    async fn store_seen(&self, seen: BTreeMap<Subject, Seen>) -> Result<()> {
        let store = async |subject: Subject, seen: Seen| self.store.see(self.org, &subject, &seen).await;
        let stored = seen.into_iter().map(|(subject, seen)| store(subject, seen));
        stream::iter(stored).buffer_unordered(stored::IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
    }
}
