//! The entries that hold for a day of UTC.

use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::table::{Consistency, Write, absent, equals};
use crate::{Item, Usage, decode, keys, n, new_item, s};

/// An entry that holds for a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayEntry {
    /// The entry.
    pub id: String,
    /// The attempt that wrote its costs. A repeated attempt may have seen more events, so it writes pages of its own.
    pub attempt: String,
}

/// The entries that hold for a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepricedDay {
    /// How often they have changed.
    pub version: u64,
    /// The version that the day's rollups were last recomputed with.
    recomputed: u64,
    /// In the order in which they were carried out. The last one that lists a call decides its cost.
    pub entries: Vec<DayEntry>,
}

/// Attributes: version, recomputed version, entries as JSON.
const CHANGES: &str = "changes";
const RECOMPUTED: &str = "recomputed";
const ENTRIES: &str = "entries";

impl RepricedDay {
    /// Whether the entries have changed since the rollups were recomputed.
    pub const fn is_pending(&self) -> bool {
        self.version != self.recomputed
    }

    /// Whether the entry holds for the day.
    pub fn has(&self, id: &str) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }

    fn parse(item: &Item) -> Result<Self> {
        let count = |name: &str| item.get(name).and_then(decode::number).and_then(|n| u64::try_from(n).ok());
        let entries = serde_json::from_str(decode::required(item, ENTRIES)?).map_err(Error::internal)?;
        Ok(Self {
            version: count(CHANGES).unwrap_or_default(),
            recomputed: count(RECOMPUTED).unwrap_or_default(),
            entries,
        })
    }
}

impl Usage {
    /// The entries that hold for a day, strongly consistent.
    pub async fn repriced_day(&self, org: &OrgId, day: Day) -> Result<RepricedDay> {
        let item = self.table.get(&keys::repriced_day(org, day), Consistency::Strong).await?;
        item.as_ref().map_or_else(|| Ok(RepricedDay::default()), RepricedDay::parse)
    }

    /// The days within `days` whose entries have ever changed, oldest first, strongly consistent.
    pub async fn repriced_days(&self, org: &OrgId, days: DayRange) -> Result<Vec<(Day, RepricedDay)>> {
        let parse = |item: Item| {
            let sk = decode::required(&item, keys::SK)?;
            let day = Day::parse(sk).ok_or_else(|| Error::Internal(format!("{sk:?} is not a day")))?;
            Ok((day, RepricedDay::parse(&item)?))
        };
        self.table.query(&keys::repriced_days(org, days)).strong().all(parse).await
    }

    /// Notes that the rollups of a day were recomputed with this version of its entries. False if the entries have
    /// changed since.
    pub async fn note_recomputed(&self, org: &OrgId, day: Day, version: u64) -> Result<bool> {
        let update = self.table.update(&keys::repriced_day(org, day)).set(RECOMPUTED, n(version));
        update.only_if(equals(CHANGES, n(version))).send().await?.applied()
    }

    /// Replaces the entries that hold for a day, unless they have changed since `before` was read.
    pub(super) fn set_repriced_day(
        &self,
        org: &OrgId,
        day: Day,
        before: &RepricedDay,
        entries: &[DayEntry],
    ) -> Result<Write<'_>> {
        let unchanged = match before.version {
            0 => absent(CHANGES),
            version => equals(CHANGES, n(version)),
        };
        let text = serde_json::to_string(entries).map_err(Error::internal)?;
        let mut item = new_item(&keys::repriced_day(org, day));
        item.extend([
            (CHANGES.to_owned(), n(before.version + 1)),
            (RECOMPUTED.to_owned(), n(before.recomputed)),
            (ENTRIES.to_owned(), s(text)),
        ]);
        Ok(self.table.put(item).only_if(unchanged))
    }
}
