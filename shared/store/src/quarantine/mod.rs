//! The quarantine: stream records that could not be parsed, stored for a person to look at and for replay.
//!
//! The number of entries and the time of the oldest are in a summary item that is written in the same transaction as
//! each entry: it is never wrong, and reading it costs the same for one entry as for a million.

mod record;

use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use tokio::time::sleep;

pub use record::{MAX_RECORD, QuarantineRecord};

use super::keys::status::{self, entry, summary as attr};
use super::keys::{self, Key, PK, SK};
use super::table::{Consistency, TransactOutcome, Write, absent, equals, exists, full_jitter};
use super::{Item, Usage, decode, key_attributes, n, new_item, s};
use crate::error::{Error, Result};
use ledger::ids::OrgId;
use ledger::period;
use ledger::period::Day;

/// The most records in one transaction, to which the summary is added. DynamoDB takes 100 items.
const TRANSACTION_RECORDS: usize = 25;
/// The most bytes of records in one transaction. DynamoDB takes 4 MB, including keys and attribute names.
const TRANSACTION_BYTES: usize = 3_000_000;
/// Attempts at a transaction that competes with others for the summary.
const ATTEMPTS: u32 = 10;
/// The longest pause between attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// The size of the quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuarantineSummary {
    /// The number of entries.
    pub count: u64,
    /// The time of the oldest entry that has one.
    pub oldest: Option<DateTime<Utc>>,
}

/// An entry of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineEntry {
    /// Its sort key, which identifies it.
    pub place: String,
    /// When the event arrived or, if the record does not say, when it was stored; none if neither is known.
    pub time: Option<DateTime<Utc>>,
    /// Why the record could not be parsed. May quote the record.
    pub reason: String,
    /// The event that the record is about, if its keys can be parsed.
    pub event: Option<EventKey>,
    /// The stream record as Lambda delivered it, as JSON. A record longer than [`MAX_RECORD`] is stored without its
    /// image; its event has to be read from the events table.
    pub record: String,
}

/// What identifies a raw event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// The organization.
    pub org: OrgId,
    /// The event's day in the organization's time zone.
    pub day: Day,
    /// The source.
    pub source: String,
    /// The id, unique within the source and the day.
    pub id: String,
}

/// A page of the quarantine, oldest entry first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinePage {
    /// The entries.
    pub entries: Vec<QuarantineEntry>,
    /// Where the next page begins; none after the last page.
    pub next: Option<String>,
}

impl Usage {
    /// Stores records in the quarantine. A record that is there already is not stored again.
    pub async fn quarantine(&self, records: &[QuarantineRecord]) -> Result<()> {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for record in records {
            if some.len() == TRANSACTION_RECORDS || bytes + record.record.len() > TRANSACTION_BYTES {
                self.quarantine_some(std::mem::take(&mut some)).await?;
                bytes = 0;
            }
            bytes += record.record.len();
            some.push(record);
        }
        self.quarantine_some(some).await
    }

    async fn quarantine_some(&self, mut records: Vec<&QuarantineRecord>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if records.is_empty() {
                return Ok(());
            }
            let (known, writes) = self.quarantine_summary().await?;
            let summary = QuarantineSummary {
                count: known.count + records.len() as u64,
                oldest: records.iter().filter_map(|record| record.time).chain(known.oldest).min(),
            };
            let mut all = vec![self.put_summary(summary, writes)];
            all.extend(records.iter().map(|record| record.put(&self.table)));
            match self.table.transact(all).await? {
                TransactOutcome::Committed => return Ok(()),
                TransactOutcome::ConditionsFailed(failed) => {
                    // The summary is the first of the writes; a record whose condition failed is there already.
                    let mut position = 0;
                    records.retain(|_| {
                        position += 1;
                        !failed.contains(&position)
                    });
                }
                TransactOutcome::Conflict | TransactOutcome::Throttled => {}
            }
            sleep(full_jitter(PAUSE)).await;
        }
        Err(contention())
    }

    /// Up to `most` entries after the one at `after`, oldest first.
    pub async fn quarantined(&self, after: Option<&str>, most: u16) -> Result<QuarantinePage> {
        let start = after.map(|place| key_attributes(&entry_key(place)));
        let page = self.table.query(&status::quarantine()).page_size(most.into()).start(start).page().await?;
        let next = page.next.as_ref().and_then(|key| decode::text(key, SK)).map(str::to_owned);
        Ok(QuarantinePage { entries: page.items.iter().map(parse_entry).collect::<Result<_>>()?, next })
    }

    /// Releases an entry from the quarantine. False if there is no such entry.
    pub async fn release(&self, place: &str) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let (known, writes) = self.quarantine_summary().await?;
            // An entry that is added meanwhile changes the summary, so that this transaction fails and is repeated.
            let oldest = self.oldest_quarantined_except(place).await?;
            let summary = QuarantineSummary { count: known.count.saturating_sub(1), oldest };
            let delete = self.table.delete(&entry_key(place)).only_if(exists(PK));
            match self.table.transact(vec![self.put_summary(summary, writes), delete]).await? {
                TransactOutcome::Committed => return Ok(true),
                TransactOutcome::ConditionsFailed(failed) if failed.contains(&1) => return Ok(false),
                _ => sleep(full_jitter(PAUSE)).await,
            }
        }
        Err(contention())
    }

    /// The summary, and how often it has been written.
    async fn quarantine_summary(&self) -> Result<(QuarantineSummary, u64)> {
        let item = self.table.get(&status::quarantine_summary(), Consistency::Strong).await?;
        let item = item.unwrap_or_default();
        Ok((summary(&item)?, whole_number(&item, attr::WRITES)?))
    }

    /// Writes the summary, if it has been written `writes` times.
    fn put_summary(&self, summary: QuarantineSummary, writes: u64) -> Write<'_> {
        let unchanged = if writes == 0 { absent(attr::WRITES) } else { equals(attr::WRITES, n(writes)) };
        let put = self
            .table
            .put(new_item(&status::quarantine_summary()))
            .set(attr::COUNT, n(summary.count))
            .set(attr::WRITES, n(writes + 1))
            .only_if(unchanged);
        match summary.oldest {
            Some(oldest) => put.set(attr::OLDEST, s(period::sortable(oldest))),
            None => put,
        }
    }

    /// The time of the oldest entry except the one at `place`.
    async fn oldest_quarantined_except(&self, place: &str) -> Result<Option<DateTime<Utc>>> {
        let query = self.table.query(&status::quarantine()).strong();
        let two = query.attributes([SK]).page_size(2).page().await?.items;
        let mut places = two.iter().filter_map(|item| decode::text(item, SK));
        Ok(places.find(|found| *found != place).and_then(status::parse_quarantine_time))
    }
}

fn contention() -> Error {
    Error::Unavailable("other writers keep changing the quarantine".to_owned())
}

/// The summary that an item holds; zero if the item is empty.
pub(super) fn summary(item: &Item) -> Result<QuarantineSummary> {
    let oldest = decode::text(item, attr::OLDEST).and_then(period::parse_instant);
    Ok(QuarantineSummary { count: whole_number(item, attr::COUNT)?, oldest })
}

fn whole_number(item: &Item, name: &str) -> Result<u64> {
    let Some(value) = item.get(name) else { return Ok(0) };
    let number = decode::number(value).and_then(|number| number.to_u64());
    number.ok_or_else(|| Error::Internal(format!("{name} of the quarantine's summary is malformed")))
}

fn entry_key(place: &str) -> Key {
    Key { pk: status::QUARANTINE.to_owned(), sk: place.to_owned() }
}

fn parse_entry(item: &Item) -> Result<QuarantineEntry> {
    let text = |name| decode::required(item, name).map(str::to_owned);
    let (place, record) = (text(SK)?, text(entry::RECORD)?);
    Ok(QuarantineEntry {
        time: status::parse_quarantine_time(&place),
        event: event_key(&record),
        reason: text(entry::REASON)?,
        place,
        record,
    })
}

fn event_key(record: &str) -> Option<EventKey> {
    let record: Value = serde_json::from_str(record).ok()?;
    let key = |name: &str| record.pointer(&format!("/dynamodb/Keys/{name}/S")).and_then(Value::as_str);
    let (org, day, source, id) = keys::parse_event_key(key(PK)?, key(SK)?)?;
    Some(EventKey { org, day, source: source.into_owned(), id: id.to_owned() })
}
