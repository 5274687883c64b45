//! Up to which instant all events are counted.
//!
//! The aggregator notes the position of each shard of the stream; the function `completeness` compares the positions with
//! the ends of the shards, and stores what follows from that.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::prelude::ToPrimitive;

use super::keys::{self, KeyRange, SK, status};
use super::sequence::SequenceNumber;
use super::table::{absent, absent_or_below, equals};
use super::{Item, Usage, decode, n, s};
use crate::error::{Error, Result};
use ledger::ids::OrgId;

/// How long the position of a shard is kept. A shard is gone from the stream a day after it was closed.
const POSITION_RETENTION: TimeDelta = TimeDelta::days(30);

/// Every event that was accepted before an instant is counted. Such a statement stays true, so an old one can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    through: Option<DateTime<Utc>>,
    /// Organizations with days that have to be recomputed, and the instant that holds for them.
    held: BTreeMap<OrgId, Option<DateTime<Utc>>>,
    backlog: Option<Backlog>,
    writes: u64,
}

/// How far aggregation was behind the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// When that was found.
    pub measured: DateTime<Utc>,
    /// When the oldest record was stored that was not aggregated then; none if there was no such record.
    pub oldest: Option<DateTime<Utc>>,
}

impl Completeness {
    /// The instant that holds for an organization; none if it is not known.
    pub fn of(&self, org: &OrgId) -> Option<DateTime<Utc>> {
        self.held.get(org).copied().unwrap_or(self.through)
    }

    /// The instant that holds for organizations that are not held back; none if it is not known.
    pub const fn through(&self) -> Option<DateTime<Utc>> {
        self.through
    }

    /// How far aggregation was behind; none before the first run.
    pub const fn backlog(&self) -> Option<Backlog> {
        self.backlog
    }

    /// The same, with what was found last of the backlog.
    #[must_use]
    pub fn with_backlog(mut self, backlog: Backlog) -> Self {
        self.backlog = Some(backlog);
        self
    }

    /// What holds once all events up to `through` are aggregated, while some days of the organizations `dirty` have to be
    /// recomputed, which the events of these days wait for.
    #[must_use]
    pub fn advanced(&self, through: DateTime<Utc>, dirty: BTreeSet<OrgId>) -> Self {
        let held = dirty.into_iter().map(|org| (org.clone(), self.of(&org))).collect();
        Self { through: self.through.max(Some(through)), held, backlog: self.backlog, writes: self.writes }
    }
}

impl Usage {
    /// Stores that all records of a shard up to and including one are aggregated. A stored position only moves forward.
    /// `mark` is the attribute of the shard's marks, and `delivered` the time of the record.
    pub async fn note_position(&self, mark: &str, digits: &str, delivered: DateTime<Utc>) -> Result<()> {
        let at = s(format!("{digits:0>40} {digits}"));
        let expires = n((delivered + POSITION_RETENTION).timestamp());
        let update = self.table.update(&status::shard_position(mark)).set(status::position::EXPIRES, expires);
        let update = update.set(status::position::AT, at.clone());
        // Where a later position is stored, there is nothing to do.
        update.only_if(absent_or_below(status::position::AT, at)).send().await?.applied().map(drop)
    }

    /// The positions of all shards by their marks, as the stream named them, strongly consistent.
    pub async fn shard_positions(&self) -> Result<BTreeMap<String, String>> {
        let position = |item: Item| {
            let malformed = || Error::Internal("the position of a shard is malformed".to_owned());
            let mark = status::parse_shard_position(decode::required(&item, SK)?).ok_or_else(malformed)?;
            let at = decode::required(&item, status::position::AT)?;
            let digits = at.split_once(' ').map(|(_, digits)| digits);
            let digits = digits.filter(|digits| SequenceNumber::parse(digits).is_some());
            Ok((mark.to_owned(), digits.ok_or_else(malformed)?.to_owned()))
        };
        let all = self.table.query(&status::shard_positions()).strong().all(position).await?;
        Ok(all.into_iter().collect())
    }

    /// The organizations with days that have to be recomputed, strongly consistent.
    pub async fn dirty_organizations(&self) -> Result<BTreeSet<OrgId>> {
        let org = |item: Item| {
            let sk = decode::required(&item, SK)?;
            let parsed = keys::parse_dirty_day(sk).map(|(org, _)| org);
            parsed.ok_or_else(|| Error::Internal(format!("{sk:?} is not a dirty day")))
        };
        let query = self.table.query(&keys::dirty_days()).strong().attributes([SK]);
        Ok(query.all(org).await?.into_iter().collect())
    }

    /// Up to which instant all events are counted: one query of one item, eventually consistent.
    pub async fn completeness(&self) -> Result<Completeness> {
        let key = status::completeness();
        let range = KeyRange { pk: key.pk, from: key.sk.clone(), to: key.sk };
        let found = self.table.query(&range).all(|item| parse(&item)).await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Stores what was [advanced](Completeness::advanced) from what is stored. False if another process was faster.
    pub async fn store_completeness(&self, next: &Completeness) -> Result<bool> {
        let mut item = super::new_item(&status::completeness());
        let milliseconds = |instant: DateTime<Utc>| n(instant.timestamp_millis());
        if let Some(through) = next.through {
            item.insert(status::complete::THROUGH.to_owned(), milliseconds(through));
        }
        if let Some(Backlog { measured, oldest }) = next.backlog {
            item.insert(status::complete::MEASURED.to_owned(), milliseconds(measured));
            let oldest = oldest.map(|oldest| (status::complete::WAITING.to_owned(), milliseconds(oldest)));
            item.extend(oldest);
        }
        for (org, held) in &next.held {
            let held = held.map_or_else(|| n(0), milliseconds);
            item.insert(format!("{}{org}", status::complete::HELD), held);
        }
        item.insert(status::complete::WRITES.to_owned(), n(next.writes + 1));
        let unchanged = match next.writes {
            0 => absent(status::complete::WRITES),
            writes => equals(status::complete::WRITES, n(writes)),
        };
        self.table.put(item).only_if(unchanged).send().await?.applied()
    }
}

/// What an item says.
pub(crate) fn parse(item: &Item) -> Result<Completeness> {
    let malformed = || Error::Internal("the instant up to which events are counted is malformed".to_owned());
    let whole = |value: &AttributeValue| {
        decode::number(value).and_then(|number| number.to_i64()).ok_or_else(malformed)
    };
    let instant = |value| match whole(value)? {
        0 => Ok(None),
        milliseconds => DateTime::from_timestamp_millis(milliseconds).ok_or_else(malformed).map(Some),
    };
    let mut held = BTreeMap::new();
    for (name, value) in item {
        if let Some(org) = name.strip_prefix(status::complete::HELD) {
            held.insert(OrgId::new(org).map_err(|_| malformed())?, instant(value)?);
        }
    }
    let named = |name: &str| item.get(name).map(instant).transpose().map(Option::flatten);
    let (through, oldest) = (named(status::complete::THROUGH)?, named(status::complete::WAITING)?);
    let backlog = named(status::complete::MEASURED)?.map(|measured| Backlog { measured, oldest });
    let writes = item.get(status::complete::WRITES).map(whole).transpose()?.unwrap_or_default();
    Ok(Completeness { through, held, backlog, writes: writes.try_into().map_err(|_| malformed())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_is_held_back_while_a_day_of_it_is_dirty() {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let org = |name: &str| OrgId::new(name).unwrap();
        let first = Completeness::default().advanced(at(1), [org("new")].into());
        assert_eq!((first.of(&org("new")), first.of(&org("other"))), (None, Some(at(1))));
        let second = first.advanced(at(2), [org("new"), org("other")].into());
        assert_eq!((second.of(&org("new")), second.of(&org("other"))), (None, Some(at(1))));
        let third = second.advanced(at(3), [org("other")].into());
        assert_eq!((third.of(&org("new")), third.of(&org("other"))), (Some(at(3)), Some(at(1))));
        let behind = third.advanced(at(2), BTreeSet::new());
        assert_eq!((behind.of(&org("new")), behind.of(&org("other"))), (Some(at(3)), Some(at(3))));
    }
}
