//! Repairs and seals the items of a day.
//!
//! An item is written only if it has not been updated since it was read, and the write seals it: nothing is added to it
//! any more. An item that is updated too often for that is sealed as it is first (frozen), and repaired in the next
//! round.

use std::collections::BTreeSet;

use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::Rollup;
use ledger::rollup::{Column, Measure};
use runtime::clock::Clock;
use store::error::{Error, Result};
use store::keys::{Key, MAX_END_USERS, own_day};
use store::reconcile::{RewriteOutcome, StoredRollup};

use crate::Tables;
use crate::agents::ComparedPack;
use crate::blocks;
use crate::compare::{Comparison, Lag, compare};
use crate::recompute::Recomputed;
use crate::report::DayReport;

/// An item, compared with the day's events.
pub struct ComparedItem {
    pub key: Key,
    stored: StoredRollup,
    /// The stored columns that are about the day.
    columns: Rollup,
    /// What the day's events add to it, as far as it has room.
    recomputed: Recomputed,
    lag: Lag,
    pub comparison: Comparison,
}

impl ComparedItem {
    pub fn new(key: Key, stored: StoredRollup, recomputed: Recomputed, day: Day, lag: Lag) -> Result<Self> {
        let own = own_day(&key).ok_or_else(|| Error::Internal(format!("{key:?} belongs to no day")))?;
        let columns = stored.columns.part((day.date() - own.date()).num_days());
        let recomputed = recomputed.fit(&stored, &columns);
        let comparison = compare(&key, &columns, &recomputed, lag);
        Ok(Self { key, stored, columns, recomputed, lag, comparison })
    }

    fn is_of_end_users(&self) -> bool {
        let users = end_users();
        self.columns.sets.contains_key(&users) || self.recomputed.all.sets.contains_key(&users)
    }
}

/// What has to be done with an item.
enum Action {
    Keep,
    SyncEndUsers,
    Rewrite,
}

/// Repairs one day of an organization.
pub struct Repair<'a> {
    pub tables: &'a Tables,
    pub clock: &'a Clock,
    pub org: &'a OrgId,
    pub day: Day,
    /// Whether items of the day that are correct are sealed too.
    pub seal: bool,
    /// See [`CompactionPolicy`](crate::CompactionPolicy).
    pub block_bytes: usize,
}

impl Repair<'_> {
    /// Repairs the items that need it. Returns false if an item changed meanwhile and has to be compared again, and the keys
    /// of the items that were rewritten.
    pub async fn items(
        &self,
        items: &[ComparedItem],
        report: &mut DayReport,
    ) -> Result<(bool, BTreeSet<Key>)> {
        let (mut done, mut written) = (true, BTreeSet::new());
        for item in items {
            done &= match self.action(item) {
                Action::Keep => true,
                Action::SyncEndUsers => self.sync_end_users(item, report).await?,
                Action::Rewrite => {
                    let outcome = self.rewrite(item, false, report).await?;
                    written.extend((outcome == RewriteOutcome::Written).then(|| item.key.clone()));
                    outcome != RewriteOutcome::Changed
                }
            };
        }
        Ok((done, written))
    }

    /// Seals the packs that need it, after the organization's day: every event that was not read yet then makes the day
    /// dirty. Returns false if something changed meanwhile. `written` are the items that were rewritten, and thereby sealed,
    /// since the day was read.
    pub async fn packs(
        &self,
        packs: &[ComparedPack],
        items: &[ComparedItem],
        mut written: BTreeSet<Key>,
        report: &mut DayReport,
    ) -> Result<bool> {
        let mut done = true;
        for pack in packs.iter().filter(|pack| pack.is_to_be_sealed(self.seal)) {
            let org_day = items.iter().find(|item| Some(&item.key) == pack.org_day().as_ref());
            let Some(org_day) = org_day else { continue };
            let is_sealed = org_day.stored.sealed.is_some() || written.contains(&org_day.key);
            if !is_sealed {
                match self.rewrite(org_day, true, report).await? {
                    RewriteOutcome::Written => drop(written.insert(org_day.key.clone())),
                    RewriteOutcome::TooLarge => continue,
                    RewriteOutcome::Changed => {
                        done = false;
                        continue;
                    }
                }
            }
            done &= self.seal_pack(pack, report).await?;
        }
        Ok(done)
    }

    async fn seal_pack(&self, pack: &ComparedPack, report: &mut DayReport) -> Result<bool> {
        let now = self.clock.now().timestamp();
        let ComparedPack { owner, before, rows, is_sealed, comparison, .. } = pack;
        if !self.tables.usage.seal_pack(owner, pack.pack, before, rows, now).await? {
            return Ok(false);
        }
        report.repaired(comparison);
        report.sealed += u64::from(!is_sealed);
        let joins = blocks::is_worth(rows, self.block_bytes);
        blocks::refresh(&self.tables.usage, self.clock, owner, pack.pack, joins).await?;
        Ok(true)
    }

    fn action(&self, item: &ComparedItem) -> Action {
        let ComparedItem { key, stored, comparison, lag, .. } = item;
        if *lag == Lag::Repriced {
            return Action::Rewrite;
        }
        let drifts = !comparison.drift.is_empty();
        // The aggregator adds nothing to a sealed item, so whatever it misses has to be written here.
        let incomplete = stored.sealed.is_some() && !comparison.is_equal() || comparison.outdated > 0;
        let to_seal = self.seal && stored.sealed.is_none() && own_day(key) == Some(self.day);
        match (drifts || incomplete, item.is_of_end_users()) {
            (true, true) => Action::SyncEndUsers,
            (true, false) => Action::Rewrite,
            (false, false) if to_seal && comparison.is_equal() && stored.writes > 0 => Action::Rewrite,
            (false, _) => Action::Keep,
        }
    }

    /// Adds missing members to a set of end users and removes extra ones. Neither can count twice, so the set need not
    /// be sealed.
    async fn sync_end_users(&self, item: &ComparedItem, report: &mut DayReport) -> Result<bool> {
        let of = |sums: &Rollup| sums.sets.get(&end_users()).cloned().unwrap_or_default();
        let (stored, computed) = (of(&item.columns), of(&item.recomputed.all));
        let (missing, extra): (BTreeSet<_>, BTreeSet<_>) = (&computed - &stored, &stored - &computed);
        let room = MAX_END_USERS.saturating_sub(stored.len());
        let missing: BTreeSet<_> = missing.into_iter().take(room).collect();
        if !missing.is_empty() {
            // False if the bucket has filled meanwhile. It is then complete as it is.
            self.tables.usage.add_end_users(&item.key, &missing).await?;
        }
        if !extra.is_empty() {
            // An aggregator that remembers such a user as stored would not store it again, should an event of that user
            // still arrive. Marking the day dirty covers this.
            self.mark_dirty(&item.key).await?;
            self.tables.usage.remove_end_users(&item.key, &extra).await?;
        }
        report.repaired(&item.comparison);
        Ok(true)
    }

    /// Rewrites an item, which seals it. If it changed meanwhile, one that differs or `must` be sealed is sealed as it is.
    async fn rewrite(
        &self,
        item: &ComparedItem,
        must: bool,
        report: &mut DayReport,
    ) -> Result<RewriteOutcome> {
        let ComparedItem { key, stored, columns, recomputed, lag, comparison } = item;
        let outcome = self.tables.usage.rewrite(key, columns, &recomputed.all, stored.writes).await?;
        match outcome {
            RewriteOutcome::Written => {
                report.repaired(comparison);
                report.sealed += u64::from(stored.sealed.is_none());
            }
            RewriteOutcome::TooLarge => report.too_large += 1,
            RewriteOutcome::Changed => {
                let differs =
                    must || !comparison.drift.is_empty() || comparison.outdated > 0 || *lag == Lag::Repriced;
                if differs && stored.sealed.is_none() {
                    // Marked before it is frozen, so that the day is recomputed even if this process dies in between.
                    self.mark_dirty(key).await?;
                    self.tables.usage.seal(key).await?;
                }
            }
        }
        Ok(outcome)
    }

    async fn mark_dirty(&self, key: &Key) -> Result<()> {
        // No other mark has the same, or this process might clear one that it set in a later round.
        let token = format!(
            "reconcile {} {:x} {}",
            self.clock.now().timestamp_millis(),
            rand::random::<u64>(),
            key.sk
        );
        self.tables.usage.mark_dirty(self.org, self.day, &token).await
    }
}

fn end_users() -> Column {
    Measure::EndUsers.into()
}
