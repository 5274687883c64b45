//! What reconcile reads and writes: rollup items with their write counters, the days to be recomputed, and how far each
//! organization has been reconciled.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::keys::{self, FULL, Key, KeyRange, PK, SEALED, SK, VERSION, WRITES};
use super::table::{Consistency, Write, WriteOutcome, absent, equals};
use super::{Item, Usage, decode, key_attributes, n, new_item, room, s, usage, version};
use crate::error::{Error, Result};
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::Rollup;

/// A rollup item as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRollup {
    /// How many updates it has had; 0 if it does not exist. Serves as the optimistic lock of [`Usage::rewrite`].
    pub writes: u64,
    /// How often it was sealed; none if it is not.
    pub sealed: Option<u64>,
    /// Whether it gets no new columns, see [`Usage::mark_full`].
    pub full: bool,
    /// Its columns as they are stored.
    pub columns: Rollup,
}

/// The outcome of [`Usage::rewrite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteOutcome {
    /// The item holds the new columns and is sealed.
    Written,
    /// Nothing was written: the item has changed since it was read.
    Changed,
    /// Nothing was written, and never will be: the item would exceed the 400 KB that DynamoDB stores.
    TooLarge,
}

/// How far an organization's days have been reconciled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileProgress {
    /// Every day up to this one has been compared with its raw events.
    pub compared: Option<Day>,
    /// Every day up to this one has been sealed.
    pub sealed: Option<Day>,
}

/// Concurrent deletes.
const DELETES_IN_FLIGHT: usize = 32;
/// The attribute of a dirty day that identifies the last request to recompute it.
const TOKEN: &str = "token";
/// Attributes of an organization's progress.
const COMPARED: &str = "compared";
const SEALED_DAYS: &str = "sealed";

impl Usage {
    /// The rollup items in a range of keys, strongly consistent.
    pub async fn rollups_in(&self, range: &KeyRange) -> Result<Vec<(Key, StoredRollup)>> {
        let query = self.table.query(range).strong().any_version();
        query.all(|item| Ok((key(&item)?, stored_rollup(&item)?))).await
    }

    /// A rollup item, strongly consistent; an empty one if it does not exist.
    pub async fn rollup(&self, key: &Key) -> Result<StoredRollup> {
        let item = self.table.get_any_version(key, Consistency::Strong).await?;
        item.as_ref().map_or_else(|| Ok(StoredRollup::default()), stored_rollup)
    }

    /// Replaces the columns `before` of an item by `after`, removes its marks and seals it, if it has had exactly
    /// `writes` updates. Columns that are in neither stay as they are. What the item has no room for is counted as
    /// `(other)`, and the item is then marked full.
    pub async fn rewrite(
        &self,
        key: &Key,
        before: &Rollup,
        after: &Rollup,
        writes: u64,
    ) -> Result<RewriteOutcome> {
        let item = self.table.get_any_version(key, Consistency::Strong).await?;
        let mut item = item.unwrap_or_else(|| key_attributes(key));
        let sealed = stored_rollup(&item)?.sealed.unwrap_or_default();
        for column in before.columns() {
            item.remove(&keys::columns::spell(column));
        }
        item.retain(|name, _| !keys::is_mark(name));
        let (after, full) = room::fit(after, &before.columns().cloned().collect());
        item.remove(keys::UNPRICED);
        item.extend(usage::columns(&after));
        if !after.unpriced.is_empty() {
            item.insert(keys::UNPRICED.to_owned(), usage::unpriced_attribute(&after.unpriced)?);
        }
        if full {
            item.insert(FULL.to_owned(), n(1));
        }
        item.extend([
            (VERSION.to_owned(), version::attribute()),
            (WRITES.to_owned(), n(writes + 1)),
            (SEALED.to_owned(), n(sealed + 1)),
        ]);
        let unchanged = if writes == 0 { absent(WRITES) } else { equals(WRITES, n(writes)) };
        match self.table.put(item).only_if(unchanged).send().await? {
            WriteOutcome::Applied => Ok(RewriteOutcome::Written),
            WriteOutcome::ConditionFailed(_) => Ok(RewriteOutcome::Changed),
            WriteOutcome::TooLarge => Ok(RewriteOutcome::TooLarge),
            outcome @ WriteOutcome::Conflict => outcome.applied().map(|_| RewriteOutcome::Changed),
        }
    }

    /// Deletes the rollups in a range of keys.
    pub async fn delete_rollups(&self, range: &KeyRange) -> Result<()> {
        let pages = self.table.query(range).any_version().attributes([PK, SK]).pages();
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.try_next().await? {
            let keys: Vec<_> = page.iter().map(key).collect::<Result<_>>()?;
            let deletes: Vec<_> =
                keys.iter().map(|key| self.table.delete(key).send_unconditionally()).collect();
            stream::iter(deletes).buffer_unordered(DELETES_IN_FLIGHT).try_collect::<Vec<_>>().await?;
        }
        Ok(())
    }

    /// Seals an item as it is, so that it stops changing while it is recomputed.
    pub async fn seal(&self, key: &Key) -> Result<()> {
        self.table.update(key).add(SEALED, n(1)).add(WRITES, n(1)).send_unconditionally().await
    }

    /// Marks a day as dirty: it has to be recomputed. `requester` is for people to read. Every call stores a new token,
    /// even for a redelivered record, so that whoever recomputes the day can tell whether it was marked again since.
    pub async fn mark_dirty(&self, org: &OrgId, day: Day, requester: &str) -> Result<()> {
        self.dirty_mark(org, day, requester).send_unconditionally().await
    }

    /// The write of [`Self::mark_dirty`], for transactions.
    pub(crate) fn dirty_mark(&self, org: &OrgId, day: Day, requester: &str) -> Write<'_> {
        let token = format!("{requester}#{:032x}", rand::random::<u128>());
        let mut item = new_item(&keys::dirty_day(org, day));
        item.insert(TOKEN.to_owned(), s(token));
        self.table.put(item)
    }

    /// The token of a dirty day; none if the day is not dirty.
    pub async fn dirty_token(&self, org: &OrgId, day: Day) -> Result<Option<String>> {
        let item = self.table.get(&keys::dirty_day(org, day), Consistency::Strong).await?;
        Ok(item.and_then(|item| decode::text(&item, TOKEN).map(str::to_owned)))
    }

    /// All dirty days.
    pub async fn dirty_days(&self) -> Result<Vec<(OrgId, Day)>> {
        let dirty_day = |item: Item| {
            let sk = decode::required(&item, SK)?;
            keys::parse_dirty_day(sk).ok_or_else(|| Error::Internal(format!("{sk:?} is not a dirty day")))
        };
        self.table.query(&keys::dirty_days()).all(dirty_day).await
    }

    /// Removes a day from the dirty days, unless it was marked again since `token` was read.
    pub async fn clear_dirty(&self, org: &OrgId, day: Day, token: &str) -> Result<()> {
        let delete = self.table.delete(&keys::dirty_day(org, day)).only_if(equals(TOKEN, s(token)));
        delete.send().await?.applied().map(drop)
    }

    /// How far an organization's days have been reconciled.
    pub async fn reconcile_progress(&self, org: &OrgId) -> Result<ReconcileProgress> {
        let item = self.table.get(&keys::reconcile_progress(org), Consistency::Strong).await?;
        let item = item.unwrap_or_default();
        let day = |name| decode::text(&item, name).and_then(Day::parse);
        Ok(ReconcileProgress { compared: day(COMPARED), sealed: day(SEALED_DAYS) })
    }

    /// Stores how far an organization's days have been reconciled.
    pub async fn set_reconcile_progress(&self, org: &OrgId, progress: ReconcileProgress) -> Result<()> {
        let days = [(COMPARED, progress.compared), (SEALED_DAYS, progress.sealed)];
        let days = days.into_iter().filter_map(|(name, day)| Some((name, s(day?.to_string()))));
        self.put_usage(&keys::reconcile_progress(org), days).await
    }

    async fn put_usage(
        &self,
        key: &Key,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<()> {
        let mut item = new_item(key);
        item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.table.put(item).send_unconditionally().await
    }
}

fn key(item: &Item) -> Result<Key> {
    Ok(Key { pk: decode::required(item, PK)?.to_owned(), sk: decode::required(item, SK)?.to_owned() })
}

fn stored_rollup(item: &Item) -> Result<StoredRollup> {
    // An item without a version was not written by this code; comparing it with the raw events will show that.
    if item.contains_key(VERSION) {
        version::check(item)?;
    }
    let count = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
    Ok(StoredRollup {
        writes: count(WRITES).unwrap_or_default(),
        sealed: count(SEALED),
        full: item.contains_key(FULL),
        columns: decode::columns(item)?,
    })
}
