//! The usage table: rollups by day.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use tokio::time::sleep;

use super::keys::{self, FULL, Key, SEALED, UNPRICED, VERSION, WRITES};
use super::sequence::SequenceNumber;
use super::table::full_jitter;
use super::table::{
    Consistency, Write, WriteOutcome, absent, absent_or, absent_or_below, absent_or_smaller, equals, exists,
};
use super::{Item, Usage, decode, n, s, version};
use crate::error::{Error, Result};
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use ledger::rollup::{Column, OrgDay, Rollup, UnpricedRows};

/// The most columns in one update. DynamoDB takes 4 KB of expression; a column needs at most 11 bytes of it.
pub const MAX_COLUMNS: usize = 250;

/// Attempts at adding calls without a price to their item. Each further one follows a write by another shard.
const UNPRICED_ATTEMPTS: u32 = 10;
/// The longest pause before the second attempt; it grows by as much with each attempt.
const UNPRICED_PAUSE: Duration = Duration::from_millis(10);

/// The length of a rollup item, in kilobytes, from which on it gets no new columns. A write costs a unit for each of
/// them, and some 600 models with short names fit into it; the rest up to 400 KB is room for what concurrent updates add
/// before the item is [marked full](Usage::mark_full).
pub const FULL_KILOBYTES: u64 = 200;

/// The outcome of [`Usage::add`] and [`Usage::add_to_full`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddOutcome {
    /// The numbers were added, and the shard's mark is at the last record of the range.
    Added {
        /// The length of the item.
        kilobytes: u64,
    },
    /// Nothing was added: the item already contains this shard's records up to and including the given one.
    AlreadyAt(SequenceNumber),
    /// Nothing was added: the item gets no new columns. It has these, and what is added has to be
    /// [within](Rollup::within) them.
    Full(BTreeSet<Column>),
    /// Nothing was added, and never will be: the item would exceed the 400 KB that DynamoDB stores.
    TooLarge,
    /// Nothing was added, and never will be: the item is sealed. Its day has to be [marked dirty](Usage::mark_dirty)
    /// and recomputed.
    Sealed,
}

/// Consecutive records of one stream shard that are added to an item together.
#[derive(Clone, Copy, Debug)]
pub struct ShardRange<'a> {
    /// The attribute that holds the shard's mark, see [`keys::mark_column`].
    pub mark: &'a str,
    /// The smallest sequence number of the records.
    pub first: SequenceNumber,
    /// The greatest sequence number of the records.
    pub last: SequenceNumber,
}

impl Usage {
    /// Adds `sums` to an item, if the item does not contain any of the range's records yet.
    ///
    /// The condition compares the mark with the *first* record of the range. Compared with the last, a range that a
    /// retry cut longer than before would pass, and the records that it shares with the previous one would count twice.
    pub async fn add(&self, key: &Key, sums: &Rollup, range: ShardRange<'_>) -> Result<AddOutcome> {
        if !sums.unpriced.is_empty() {
            return self.add_unpriced(key, &sums.unpriced, range).await;
        }
        self.send_add(self.table.update(key).only_if(absent(FULL)), sums, range).await
    }

    /// Like [`Self::add`], for an item that is full: `sums` has to be within the columns that it has.
    pub async fn add_to_full(&self, key: &Key, sums: &Rollup, range: ShardRange<'_>) -> Result<AddOutcome> {
        self.send_add(self.table.update(key), sums, range).await
    }

    /// Marks an item as full, so that its columns stay as they are from now on.
    /// False if it is sealed or does not exist.
    pub async fn mark_full(&self, key: &Key) -> Result<bool> {
        let mark = self.table.update_existing(key).set(FULL, n(1)).only_if(exists(WRITES));
        mark.only_if(absent(SEALED)).send().await?.applied()
    }

    async fn send_add(&self, update: Write<'_>, sums: &Rollup, range: ShardRange<'_>) -> Result<AddOutcome> {
        let mut update = in_range(update, range);
        for (column, value) in columns(sums) {
            update = match value {
                AttributeValue::S(_) => update.set(&column, value),
                _ => update.add(&column, value),
            };
        }
        let (outcome, half_units) = update.send_metered().await?;
        let added = AddOutcome::Added { kilobytes: half_units.div_ceil(2) };
        match outcome {
            WriteOutcome::Applied => Ok(added),
            WriteOutcome::ConditionFailed(item) => refusal(&item.unwrap_or_default(), range),
            WriteOutcome::TooLarge => Ok(AddOutcome::TooLarge),
            outcome @ WriteOutcome::Conflict => outcome.applied().map(|_| added),
        }
    }

    /// Adds calls without a price to their item. DynamoDB cannot merge the rows, so they are read and written back, on
    /// the condition that no one else has written the item since.
    async fn add_unpriced(
        &self,
        key: &Key,
        rows: &UnpricedRows,
        range: ShardRange<'_>,
    ) -> Result<AddOutcome> {
        let mut item = self.table.get(key, Consistency::Eventual).await?.unwrap_or_default();
        for attempt in 1..=UNPRICED_ATTEMPTS {
            let mut merged = decode::unpriced(&item)?;
            merged.merge(rows);
            let unchanged = match item.get(WRITES) {
                Some(writes) => equals(WRITES, writes.clone()),
                None => absent(WRITES),
            };
            let update = in_range(self.table.update(key).only_if(unchanged), range);
            match update.set(UNPRICED, unpriced_attribute(&merged)?).send().await? {
                WriteOutcome::Applied => return Ok(AddOutcome::Added { kilobytes: 0 }),
                WriteOutcome::ConditionFailed(old) => item = old.unwrap_or_default(),
                WriteOutcome::TooLarge => return Ok(AddOutcome::TooLarge),
                outcome @ WriteOutcome::Conflict => {
                    return outcome.applied().map(|_| AddOutcome::Added { kilobytes: 0 });
                }
            }
            let contains = |number: SequenceNumber| number >= range.first;
            if item.contains_key(SEALED) || mark_of(&item, range.mark).is_some_and(contains) {
                return refusal(&item, range);
            }
            sleep(full_jitter(UNPRICED_PAUSE * attempt)).await;
        }
        Err(Error::Unavailable("other shards keep adding to the same item".to_owned()))
    }

    /// The organization's calls without a price on the days within `days`, oldest first: one query.
    pub async fn unpriced_days(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
    ) -> Result<Vec<(Day, UnpricedRows)>> {
        let unpriced_day = |item: Item| {
            let sk = decode::required(&item, keys::SK)?;
            let day = Day::parse(sk).ok_or_else(|| Error::Internal(format!("{sk:?} is not a day")))?;
            Ok((day, decode::unpriced(&item)?))
        };
        self.table.query(&keys::unpriced_days(org, generation, days.first, days.last)).all(unpriced_day).await
    }

    /// Adds end users to their bucket. No mark is needed: a set holds each member once. False if the bucket is full: the
    /// users are then not counted.
    pub async fn add_end_users(&self, key: &Key, users: &BTreeSet<[u8; 8]>) -> Result<bool> {
        let update = self.table.update(key).add(keys::END_USERS, hash_set(users)).return_old();
        let update = update.only_if(absent_or_smaller(keys::END_USERS, keys::MAX_END_USERS));
        match update.only_if(absent_or(VERSION, version::attribute())).send().await? {
            WriteOutcome::TooLarge => Ok(false),
            WriteOutcome::ConditionFailed(bucket) => {
                version::check(&bucket.unwrap_or_default()).map(|()| false)
            }
            outcome => outcome.applied(),
        }
    }

    /// Removes end users from their bucket.
    pub async fn remove_end_users(&self, key: &Key, users: &BTreeSet<[u8; 8]>) -> Result<()> {
        let update = self.table.update(key).delete_members(keys::END_USERS, hash_set(users));
        if_version_is_known(update.only_if(absent_or(VERSION, version::attribute())).send().await?)
    }

    /// The organization's days within `days` that have any event, oldest first: one query.
    pub async fn org_days(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
    ) -> Result<BTreeMap<Day, OrgDay>> {
        let org_day = |item: Item| {
            let sk = decode::required(&item, keys::SK)?;
            let day = sk.strip_prefix("D#").and_then(Day::parse);
            let day = day.ok_or_else(|| Error::Internal(format!("{sk:?} is not an organization's day")))?;
            Ok((day, OrgDay::from(&decode::sums(&item)?)))
        };
        let range = keys::org_days(org, generation, days.first, days.last);
        Ok(self.table.query(&range).all(org_day).await?.into_iter().collect())
    }

    /// The columns of an item, strongly consistent; none if it does not exist.
    pub async fn sums(&self, key: &Key) -> Result<Rollup> {
        let item = self.table.get(key, Consistency::Strong).await?;
        item.map_or_else(|| Ok(Rollup::default()), |item| decode::sums(&item))
    }
}

/// Lets an update of a rollup apply only if the rollup contains none of the range's records yet, and sets the mark.
fn in_range<'a>(update: Write<'a>, range: ShardRange<'_>) -> Write<'a> {
    update
        .set(range.mark, sequence_attribute(range.last))
        .add(WRITES, n(1))
        .only_if(absent(SEALED))
        .only_if(absent_or_below(range.mark, sequence_attribute(range.first)))
        .only_if(absent_or(VERSION, version::attribute()))
        .return_old()
}

/// The attribute that holds calls without a price.
pub(super) fn unpriced_attribute(rows: &UnpricedRows) -> Result<AttributeValue> {
    serde_json::to_string(rows).map(s).map_err(Error::internal)
}

pub(super) fn columns(sums: &Rollup) -> impl Iterator<Item = (String, AttributeValue)> {
    named_columns(sums).map(|(_, name, value)| (name, value))
}

/// The columns of a rollup with the names and values of their attributes.
pub(super) fn named_columns(sums: &Rollup) -> impl Iterator<Item = (&Column, String, AttributeValue)> {
    let numbers = sums.numbers.iter().map(|(column, number)| (column, n(number.normalize())));
    let names = sums.names.iter().map(|(column, name)| (column, s(name)));
    let sets = sums.sets.iter().map(|(column, members)| (column, hash_set(members)));
    numbers.chain(names).chain(sets).map(|(column, value)| (column, keys::columns::spell(column), value))
}

pub(super) fn hash_set(members: &BTreeSet<[u8; 8]>) -> AttributeValue {
    AttributeValue::Bs(members.iter().map(|member| Blob::new(*member)).collect())
}

fn sequence_attribute(number: SequenceNumber) -> AttributeValue {
    AttributeValue::B(Blob::new(*number.as_bytes()))
}

/// What a write that is conditional on the version came to.
fn if_version_is_known(outcome: WriteOutcome) -> Result<()> {
    let unknown = || Error::Internal("an item of a version that this release does not write".to_owned());
    if outcome.applied()? { Ok(()) } else { Err(unknown()) }
}

fn mark_of(item: &Item, mark: &str) -> Option<SequenceNumber> {
    let number = item.get(mark)?.as_b().ok()?;
    SequenceNumber::from_bytes(number.as_ref())
}

/// Why `item` refused an update: its version, its seal, its mark or its length.
fn refusal(item: &Item, range: ShardRange<'_>) -> Result<AddOutcome> {
    if !item.is_empty() {
        version::check(item)?;
    }
    if item.contains_key(SEALED) {
        return Ok(AddOutcome::Sealed);
    }
    match mark_of(item, range.mark).filter(|mark| *mark >= range.first) {
        Some(mark) => Ok(AddOutcome::AlreadyAt(mark)),
        None if item.contains_key(FULL) => {
            Ok(AddOutcome::Full(decode::columns(item)?.columns().cloned().collect()))
        }
        None => Err(Error::Internal("an item refused an update, but has no mark".to_owned())),
    }
}
