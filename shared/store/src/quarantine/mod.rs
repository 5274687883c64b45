//! Records that could not be understood, kept for a person to look at and to replay.
//!
//! How many there are, and since when, stands in a summary that is written in the same transaction as each entry: it
//! is never wrong, and reading it costs the same for one entry as for a million.

mod aside;

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as Refusal;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnConsumedCapacity, TransactWriteItem};
use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use tokio::time::sleep;

pub use aside::{Aside, MAX_RECORD};

use super::keys::status::{self, entry, summary as attr};
use super::keys::{self, Key, PK, SK};
use super::{Item, Store, batch, decode, failed, key_attributes, new_item, s, transaction_failed};
use crate::error::{Error, Result};
use ledger::ids::OrgId;
use ledger::period;
use ledger::period::Day;

/// Records in one transaction, the summary being one item more. DynamoDB takes 100 items.
const IN_A_TRANSACTION: usize = 25;
/// Bytes of records in one transaction. DynamoDB takes 4 MB, keys and names included.
const TRANSACTION_BYTES: usize = 3_000_000;
/// Attempts at a transaction that others come before.
const ATTEMPTS: u32 = 10;

/// How much there is in the quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its entries.
    pub count: u64,
    /// The time of the oldest, of those that have one.
    pub oldest: Option<DateTime<Utc>>,
}

/// An entry of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// What names it.
    pub place: String,
    /// When the event arrived or, where the record does not tell, when it was stored; none where neither is told.
    pub time: Option<DateTime<Utc>>,
    /// Why it is here. It may quote what the record holds.
    pub reason: String,
    /// The event that the record is about, where its keys tell.
    pub event: Option<EventName>,
    /// The stream record as Lambda delivered it, as JSON. One longer than [`MAX_RECORD`] is kept without its image;
    /// the event then has to be read where it is stored.
    pub record: String,
}

/// What a raw event is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName {
    /// Whose it is.
    pub org: OrgId,
    /// Its day.
    pub day: Day,
    /// Its source.
    pub source: String,
    /// Its id, unique within the source and the day.
    pub id: String,
}

/// Some of the quarantine, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Quarantined>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

/// What became of a transaction.
enum Tried {
    Done,
    /// Nothing was done: of each item, whether its condition did not hold.
    Refused(Vec<bool>),
}

impl Store {
    /// Keeps records that could not be understood, each once.
    pub async fn quarantine(&self, records: &[Aside]) -> Result<()> {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for record in records {
            if some.len() == IN_A_TRANSACTION || bytes + record.record.len() > TRANSACTION_BYTES {
                self.quarantine_some(std::mem::take(&mut some)).await?;
                bytes = 0;
            }
            bytes += record.record.len();
            some.push(record);
        }
        self.quarantine_some(some).await
    }

    async fn quarantine_some(&self, mut records: Vec<&Aside>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if records.is_empty() {
                return Ok(());
            }
            let (known, writes) = self.quarantine_summary().await?;
            let summary = Summary {
                count: known.count + records.len() as u64,
                oldest: records.iter().filter_map(|record| record.time).chain(known.oldest).min(),
            };
            let mut all = vec![self.summary_put(summary, writes)?];
            for record in &records {
                all.push(record.put(&self.tables().usage)?);
            }
            match self.transact_quarantine(all).await? {
                Tried::Done => return Ok(()),
                Tried::Refused(refused) => {
                    let mut are_there = refused.into_iter().skip(1);
                    records.retain(|_| !are_there.next().unwrap_or_default());
                }
            }
            sleep(batch::pause()).await;
        }
        Err(Error::Unavailable("others keep changing the quarantine".to_owned()))
    }

    /// Up to `most` entries after the one that `after` names, oldest first.
    pub async fn quarantined(&self, after: Option<&str>, most: u16) -> Result<Page> {
        let start = after.map(|place| key_attributes(&entry_key(place)));
        let page = self
            .range_query(&self.tables().usage, (PK, SK), &status::quarantine())
            .limit(most.into())
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| failed("Query", &error))?;
        self.meter.read(page.consumed_capacity());
        let next = page.last_evaluated_key().and_then(|key| decode::text(key, SK)).map(str::to_owned);
        let entries = page.items().iter().map(quarantined).collect::<Result<_>>()?;
        Ok(Page { entries, next })
    }

    /// Takes an entry away. Whether it was there.
    pub async fn release(&self, place: &str) -> Result<bool> {
        let delete = Delete::builder()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(&entry_key(place))))
            .condition_expression("attribute_exists(#p)")
            .expression_attribute_names("#p", PK);
        let delete = TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build();
        for _ in 0..ATTEMPTS {
            let (known, writes) = self.quarantine_summary().await?;
            // Whoever puts another one there meanwhile counts a write more, and this one is tried again.
            let oldest = self.oldest_quarantined_but(place).await?;
            let summary = Summary { count: known.count.saturating_sub(1), oldest };
            match self.transact_quarantine(vec![self.summary_put(summary, writes)?, delete.clone()]).await? {
                Tried::Done => return Ok(true),
                Tried::Refused(refused) if refused.get(1) == Some(&true) => return Ok(false),
                Tried::Refused(_) => sleep(batch::pause()).await,
            }
        }
        Err(Error::Unavailable("others keep changing the quarantine".to_owned()))
    }

    /// The summary as it is now, and how often it was written.
    async fn quarantine_summary(&self) -> Result<(Summary, u64)> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(&status::quarantine_summary())))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.meter.read(found.consumed_capacity());
        let item = found.item.unwrap_or_default();
        Ok((summary(&item)?, whole(&item, attr::WRITES)?))
    }

    /// Writes the summary, if it has been written `writes` times.
    fn summary_put(&self, summary: Summary, writes: u64) -> Result<TransactWriteItem> {
        let n = |n: u64| AttributeValue::N(n.to_string());
        let (condition, value) = match writes {
            0 => ("attribute_not_exists(#w)", None),
            _ => ("#w = :w", Some(HashMap::from([(":w".to_owned(), n(writes))]))),
        };
        let mut put = Put::builder()
            .table_name(&self.tables().usage)
            .set_item(Some(new_item(&status::quarantine_summary())))
            .item(attr::COUNT, n(summary.count))
            .item(attr::WRITES, n(writes + 1))
            .condition_expression(condition)
            .expression_attribute_names("#w", attr::WRITES)
            .set_expression_attribute_values(value);
        if let Some(oldest) = summary.oldest {
            put = put.item(attr::OLDEST, s(period::sortable(oldest)));
        }
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build())
    }

    /// The time of the oldest entry but the one at `place`.
    async fn oldest_quarantined_but(&self, place: &str) -> Result<Option<DateTime<Utc>>> {
        let two = self
            .range_query(&self.tables().usage, (PK, SK), &status::quarantine())
            .projection_expression("#s")
            .limit(2)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("Query", &error))?;
        self.meter.read(two.consumed_capacity());
        let mut places = two.items().iter().filter_map(|item| decode::text(item, SK));
        Ok(places.find(|found| *found != place).and_then(status::parse_quarantine_time))
    }

    async fn transact_quarantine(&self, items: Vec<TransactWriteItem>) -> Result<Tried> {
        let done = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match done {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                return Ok(Tried::Done);
            }
            Err(error) => error,
        };
        self.meter.write(None);
        match error.as_service_error() {
            Some(Refusal::TransactionCanceledException(canceled)) => {
                refused(canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")))
            }
            _ => None,
        }
        .map(Tried::Refused)
        .ok_or_else(|| transaction_failed(&error))
    }
}

/// Which items' conditions did not hold, where nothing worse than that or a crowd has kept a transaction from being
/// carried out.
fn refused<'a>(codes: impl Iterator<Item = &'a str>) -> Option<Vec<bool>> {
    let refused = codes.map(|code| match code {
        "ConditionalCheckFailed" => Some(true),
        "None" | "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => Some(false),
        _ => None,
    });
    refused.collect()
}

/// What the summary's item says; nothing is in the quarantine before there is one.
pub(super) fn summary(item: &Item) -> Result<Summary> {
    let oldest = decode::text(item, attr::OLDEST).and_then(period::parse_instant);
    Ok(Summary { count: whole(item, attr::COUNT)?, oldest })
}

fn whole(item: &Item, name: &str) -> Result<u64> {
    let Some(value) = item.get(name) else { return Ok(0) };
    let number = decode::number(value).and_then(|number| number.to_u64());
    number.ok_or_else(|| Error::Internal(format!("the quarantine's summary has an odd {name}")))
}

fn entry_key(place: &str) -> Key {
    Key { pk: status::QUARANTINE.to_owned(), sk: place.to_owned() }
}

fn quarantined(item: &Item) -> Result<Quarantined> {
    let text = |name| decode::required(item, name).map(str::to_owned);
    let (place, record) = (text(SK)?, text(entry::RECORD)?);
    Ok(Quarantined {
        time: status::parse_quarantine_time(&place),
        event: event_name(&record),
        reason: text(entry::REASON)?,
        place,
        record,
    })
}

fn event_name(record: &str) -> Option<EventName> {
    let record: Value = serde_json::from_str(record).ok()?;
    let key = |name: &str| record.pointer(&format!("/dynamodb/Keys/{name}/S")).and_then(Value::as_str);
    let (org, day, source, id) = keys::parse_event_key(key(PK)?, key(SK)?)?;
    Some(EventName { org, day, source: source.to_owned(), id: id.to_owned() })
}
