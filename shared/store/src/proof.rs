//! What proving the sums takes: raw events page by page, items of sums with all that guards them, and the entries of
//! days that have to be computed anew.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use chrono::{DateTime, Utc};
use futures::Stream;
use futures::stream::try_unfold;

use super::keys::{self, Key, KeyRange, PK, SEALED, SK, VERSION, WRITES, event as attr};
use super::{Item, Store, decode, events, failed, key_attributes, new_item, s, usage, version};
use crate::error::{Error, Result};
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period;
use ledger::period::Day;
use ledger::rollup::Sums;

/// A raw event as it is read back.
#[derive(Debug)]
pub struct StoredEvent {
    /// Its sort key: source and id.
    pub sk: String,
    /// When it arrived.
    pub received: Option<DateTime<Utc>>,
    /// The event, or why it cannot be read.
    pub event: Result<Event, String>,
}

/// An item of sums, with what guards it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// The updates that it has had; 0 where there is no item.
    pub writes: u64,
    /// How often it was computed from raw events, where it was.
    pub sealed: Option<u64>,
    /// Its columns as they are stored.
    pub columns: Sums,
}

/// What became of writing an item anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// It holds what it was given, and is sealed.
    Done,
    /// Nothing was done: it has changed since it was read.
    Changed,
    /// Nothing was done, and never will be: it would pass the 400 KB that DynamoDB keeps.
    TooLarge,
}

/// How far an organisation's days have been proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// Every day up to this one has been compared with its raw events.
    pub compared: Option<Day>,
    /// Every day up to this one has been sealed.
    pub sealed: Option<Day>,
}

impl Store {
    /// The events of one lane of a day as they are at this moment, in pages of up to 1 MB, one in memory at a time.
    pub fn raw_events(
        &self,
        org: &OrgId,
        day: Day,
        lane: u8,
    ) -> impl Stream<Item = Result<Vec<StoredEvent>>> + use<'_> {
        self.event_pages(keys::lane_events(org, day, lane), |query| query.consistent_read(true))
    }

    /// The same, but only those of the second of `since` and later, and at half the read units: one that came a moment
    /// ago may lack.
    pub fn raw_events_since(
        &self,
        org: &OrgId,
        day: Day,
        lane: u8,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<StoredEvent>>> + use<'_> {
        // Without fraction and zone, before which as text nothing of that second comes.
        let second = since.format("%Y-%m-%dT%H:%M:%S").to_string();
        let later = move |query: QueryFluentBuilder| {
            query.filter_expression("#a1 >= :since").expression_attribute_values(":since", s(&second))
        };
        self.event_pages(keys::lane_events(org, day, lane), later)
    }

    fn event_pages<'a>(
        &'a self,
        range: KeyRange,
        ask: impl Fn(QueryFluentBuilder) -> QueryFluentBuilder + 'a,
    ) -> impl Stream<Item = Result<Vec<StoredEvent>>> + 'a {
        try_unfold((ask, Some((range, None))), async move |(ask, from)| {
            let Some((range, start)) = from else { return Ok(None) };
            let names = ["#a0", "#a1", "#a2", "#a3"];
            let mut query = ask(self.range_query(&self.tables().events, (PK, SK), &range))
                .projection_expression(format!("#p,#s,{}", names.join(",")))
                .set_exclusive_start_key(start);
            for (name, attribute) in names.iter().zip([VERSION, attr::TIME, attr::DATA, attr::RECEIVED]) {
                query = query.expression_attribute_names(*name, attribute);
            }
            let page = query.send().await.map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            let events: Result<Vec<_>> = page.items().iter().map(stored_event).collect();
            let next = page.last_evaluated_key.map(|start| (range, Some(start)));
            Ok(Some((events?, (ask, next))))
        })
    }

    /// The items of sums in a stretch of keys, as they are at this moment.
    pub async fn guarded_in(&self, range: &KeyRange) -> Result<Vec<(Key, Guarded)>> {
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let query = self.range_query(&self.tables().usage, (PK, SK), range).consistent_read(true);
            let page = query.set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            for item in page.items() {
                all.push((key(item)?, guarded(item)?));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(all);
            }
        }
    }

    /// An item of sums as it is at this moment.
    pub async fn guarded(&self, key: &Key) -> Result<Guarded> {
        self.item(key).await?.as_ref().map_or_else(|| Ok(Guarded::default()), guarded)
    }

    /// Replaces `before` by `after` among an item's columns, takes its marks and seals it, provided that it has had
    /// `writes` updates. Columns that neither of them names stay.
    pub async fn rewrite(&self, key: &Key, before: &Sums, after: &Sums, writes: u64) -> Result<Rewritten> {
        let mut item = self.item(key).await?.unwrap_or_else(|| key_attributes(key));
        let sealed = guarded(&item)?.sealed.unwrap_or_default();
        for column in before.columns() {
            item.remove(&keys::columns::spell(column));
        }
        item.retain(|name, _| !keys::is_mark(name));
        item.extend(usage::columns(after));
        let number = |n: u64| AttributeValue::N(n.to_string());
        item.extend([
            (VERSION.to_owned(), version::attribute()),
            (WRITES.to_owned(), number(writes + 1)),
            (SEALED.to_owned(), number(sealed + 1)),
        ]);
        self.put_if_unchanged(item, writes).await
    }

    /// Lets an item have no more updates, whatever it holds, so that it can be computed while events keep coming.
    pub async fn freeze(&self, key: &Key) -> Result<()> {
        let done = self
            .client
            .update_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(key)))
            .update_expression("SET #v = :v ADD #z :one, #w :one")
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_names("#z", SEALED)
            .expression_attribute_names("#w", WRITES)
            .expression_attribute_values(":v", version::attribute())
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("UpdateItem", &error))?;
        self.meter.write(done.consumed_capacity());
        Ok(())
    }

    /// Has a day computed anew; `asker` is for people to read. Whoever computes the day sees by a token, which is never
    /// the same twice, whether anyone has asked since: the same delivery may come again, and ask again.
    pub async fn mark_dirty(&self, org: &OrgId, day: Day, asker: &str) -> Result<()> {
        let token = format!("{asker}#{:032x}", rand::random::<u128>());
        self.put_usage(&keys::dirty_day(org, day), [(TOKEN, s(token))]).await
    }

    /// The token of who asked last for a day to be computed anew, if anyone did since it was.
    pub async fn dirty(&self, org: &OrgId, day: Day) -> Result<Option<String>> {
        let item = self.item(&keys::dirty_day(org, day)).await?;
        Ok(item.and_then(|item| decode::text(&item, TOKEN).map(str::to_owned)))
    }

    /// The days that have to be computed anew.
    pub async fn dirty_days(&self) -> Result<Vec<(OrgId, Day)>> {
        self.query_map(&self.tables().usage, &keys::dirty_days(), |item| {
            let sk = decode::required(&item, SK)?;
            keys::parse_dirty_day(sk).ok_or_else(|| Error::Internal(format!("{sk:?} is no dirty day")))
        })
        .await
    }

    /// Notes that a day was computed anew, unless somebody else than `token` has asked for it since.
    pub async fn clear_dirty(&self, org: &OrgId, day: Day, token: &str) -> Result<()> {
        let cleared = self
            .client
            .delete_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(&keys::dirty_day(org, day))))
            .condition_expression("#t = :t")
            .expression_attribute_names("#t", TOKEN)
            .expression_attribute_values(":t", s(token))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match cleared {
            Ok(done) => self.meter.write(done.consumed_capacity()),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_conditional_check_failed_exception() => self.meter.write(None),
                _ => return Err(failed("DeleteItem", &error)),
            },
        }
        Ok(())
    }

    /// How far an organisation's days have been proved.
    pub async fn proved(&self, org: &OrgId) -> Result<Proved> {
        let item = self.item(&keys::proved(org)).await?.unwrap_or_default();
        let day = |name| decode::text(&item, name).and_then(Day::parse);
        Ok(Proved { compared: day(COMPARED), sealed: day(SEALED_DAYS) })
    }

    /// Notes how far an organisation's days have been proved.
    pub async fn set_proved(&self, org: &OrgId, proved: Proved) -> Result<()> {
        let days = [(COMPARED, proved.compared), (SEALED_DAYS, proved.sealed)];
        let days = days.into_iter().filter_map(|(name, day)| Some((name, s(day?.to_string()))));
        self.put_usage(&keys::proved(org), days).await
    }

    async fn put_if_unchanged(&self, item: Item, writes: u64) -> Result<Rewritten> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables().usage)
            .set_item(Some(item))
            .expression_attribute_names("#w", WRITES)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match writes {
            0 => put.condition_expression("attribute_not_exists(#w)"),
            _ => put
                .condition_expression("#w = :w")
                .expression_attribute_values(":w", AttributeValue::N(writes.to_string())),
        };
        match put.send().await {
            Ok(done) => {
                self.meter.write(done.consumed_capacity());
                Ok(Rewritten::Done)
            }
            Err(error) => {
                self.meter.write(None);
                match error.as_service_error() {
                    Some(refused) if refused.is_conditional_check_failed_exception() => {
                        Ok(Rewritten::Changed)
                    }
                    Some(refused) if usage::is_too_large(refused) => Ok(Rewritten::TooLarge),
                    _ => Err(failed("PutItem", &error)),
                }
            }
        }
    }

    async fn put_usage(
        &self,
        key: &Key,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<()> {
        let mut item = new_item(key);
        item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let done = self
            .client
            .put_item()
            .table_name(&self.tables().usage)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("PutItem", &error))?;
        self.meter.write(done.consumed_capacity());
        Ok(())
    }

    async fn item(&self, key: &Key) -> Result<Option<Item>> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables().usage)
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        self.meter.read(found.consumed_capacity());
        Ok(found.item)
    }
}

/// The attribute of a dirty day that says who asked.
const TOKEN: &str = "token";
/// The attributes that say how far days were proved.
const COMPARED: &str = "compared";
const SEALED_DAYS: &str = "sealed";

fn key(item: &Item) -> Result<Key> {
    Ok(Key { pk: decode::required(item, PK)?.to_owned(), sk: decode::required(item, SK)?.to_owned() })
}

fn stored_event(item: &Item) -> Result<StoredEvent> {
    Ok(StoredEvent {
        sk: decode::required(item, SK)?.to_owned(),
        received: decode::text(item, attr::RECEIVED).and_then(period::parse_instant),
        event: events::parse(item),
    })
}

fn guarded(item: &Item) -> Result<Guarded> {
    // One that has none is not ours, which is for the comparison to find.
    if item.contains_key(VERSION) {
        version::check(item)?;
    }
    let count = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
    Ok(Guarded {
        writes: count(WRITES).unwrap_or_default(),
        sealed: count(SEALED),
        columns: decode::columns(item)?,
    })
}
