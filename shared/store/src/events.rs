//! The events table: raw events, inserted once and never changed.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementErrorCodeEnum as Code, BatchStatementRequest, KeysAndAttributes,
    ReturnConsumedCapacity,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::keys::{self, Key, PK, SK, VERSION, event as attr};
use super::{Item, Store, decode, failed, key_attributes, s, version};
use crate::error::{Error, Result};
use ledger::event::{Data, Event};
use ledger::ids::Name;
use ledger::period;

/// The version of the layout of raw events.
const LAYOUT: &str = version::LAYOUT;
/// Statements in one `BatchExecuteStatement` (a limit of DynamoDB's).
pub const INSERT_BATCH: usize = 25;
/// Keys in one `BatchGetItem` (a limit of DynamoDB's).
const GET_BATCH: usize = 100;

/// What became of one insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The event is stored, by this call.
    Stored,
    /// An event with this key is there already.
    Exists,
    /// It may work at another time.
    TryAgain,
    /// It never will; the text is for the log.
    Refused(String),
}

/// Who said it first: what tells a repetition from a contradiction, and from an answer that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The content's hash.
    pub hash: [u8; 16],
    /// The request that stored it.
    pub request: [u8; 8],
}

/// A raw event, ready to be stored.
#[derive(Clone, Debug)]
pub struct RawEvent {
    /// Where it goes.
    pub key: Key,
    /// What tells it from others with the same key.
    pub fingerprint: Fingerprint,
    item: Item,
}

impl RawEvent {
    /// The stored form of `event`, which arrived at `now` in the request `request` and is kept for `days`.
    pub fn new(event: &Event, request: [u8; 8], now: DateTime<Utc>, days: u32) -> Result<Self> {
        let key = keys::event_key(&event.org, event.day, event.source.as_str(), event.id.as_str());
        let fingerprint = Fingerprint { hash: event.content_hash(), request };
        let expires = (now + TimeDelta::days(days.into())).timestamp();
        let data = serde_json::to_string(&event.data).map_err(Error::internal)?;
        let mut item = key_attributes(&key);
        item.extend([
            (VERSION.to_owned(), AttributeValue::N(LAYOUT.to_owned())),
            (attr::TIME.to_owned(), s(period::rfc3339(event.time))),
            (attr::DATA.to_owned(), s(data)),
            (attr::HASH.to_owned(), AttributeValue::B(Blob::new(fingerprint.hash))),
            (attr::REQUEST.to_owned(), AttributeValue::B(Blob::new(request))),
            (attr::RECEIVED.to_owned(), s(period::rfc3339(now))),
            (attr::EXPIRES.to_owned(), AttributeValue::N(expires.to_string())),
        ]);
        if let Data::AgentActivity(entry) = &event.data {
            item.extend(super::activity::index_attributes(event, entry));
        }
        Ok(Self { key, fingerprint, item })
    }

    pub(super) fn into_item(self) -> Item {
        self.item
    }
}

/// The event that an item of the events table holds.
pub fn parse(item: &Item) -> Result<Event, String> {
    let text = |name| decode::text(item, name).ok_or_else(|| format!("no attribute {name}"));
    let (pk, sk) = (text(PK)?, text(SK)?);
    let (org, day, source, id) = keys::parse_event_key(pk, sk).ok_or("the key is not an event's")?;
    let version = item.get(VERSION).and_then(|version| version.as_n().ok());
    if version.map(String::as_str) != Some(LAYOUT) {
        return Err(format!("version {version:?} is not known"));
    }
    Ok(Event {
        org,
        day,
        source: Name::new(source).map_err(|fault| fault.to_string())?,
        id: Name::new(id).map_err(|fault| fault.to_string())?,
        time: period::parse_instant(text(attr::TIME)?).ok_or("the time is not RFC 3339")?,
        data: serde_json::from_str(text(attr::DATA)?).map_err(|fault| fault.to_string())?,
    })
}

/// When the event that an item of the events table holds arrived, and in which lane.
pub fn arrival(item: &Item) -> Option<(u8, DateTime<Utc>)> {
    Some((
        keys::lane_of(decode::text(item, PK)?)?,
        period::parse_instant(decode::text(item, attr::RECEIVED)?)?,
    ))
}

impl Store {
    /// Inserts up to [`INSERT_BATCH`] events; each is stored, or is not, by itself. The claim of an id and the
    /// storing of its event are one write.
    pub async fn insert_events(&self, events: &[&RawEvent]) -> Result<Vec<Inserted>> {
        let statements = events.iter().map(|event| insert_statement(&self.tables().events, event)).collect();
        let answer = self
            .client
            .batch_execute_statement()
            .set_statements(Some(statements))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed("BatchExecuteStatement", &error))?;
        self.meter.write(answer.consumed_capacity());
        // An answer that is missing is one that was lost.
        let mut outcomes: Vec<_> = answer.responses().iter().map(|one| outcome(one.error())).collect();
        outcomes.resize(events.len(), Inserted::TryAgain);
        Ok(outcomes)
    }

    /// The fingerprints of the events that are stored under `wanted`.
    pub async fn fingerprints(&self, wanted: &[Key]) -> Result<HashMap<Key, Fingerprint>> {
        let mut found = HashMap::new();
        for keys in wanted.chunks(GET_BATCH) {
            let mut left = Some(fingerprint_request(keys)?);
            while let Some(request) = left {
                let answer = self
                    .client
                    .batch_get_item()
                    .request_items(&self.tables().events, request)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|error| failed("BatchGetItem", &error))?;
                for capacity in answer.consumed_capacity() {
                    self.meter.read(Some(capacity));
                }
                for item in answer.responses().into_iter().flat_map(HashMap::values).flatten() {
                    version::check(item)?;
                    found.extend(fingerprint(item));
                }
                let unprocessed = answer.unprocessed_keys.unwrap_or_default().into_values().next();
                left = unprocessed.filter(|unprocessed| !unprocessed.keys().is_empty());
            }
        }
        Ok(found)
    }
}

fn insert_statement(table: &str, event: &RawEvent) -> BatchStatementRequest {
    let (names, values): (Vec<_>, Vec<_>) =
        event.item.iter().map(|(name, value)| (name, value.clone())).unzip();
    let fields: Vec<_> = names.into_iter().map(|name| format!("'{name}': ?")).collect();
    let statement = format!(r#"INSERT INTO "{table}" VALUE {{{}}}"#, fields.join(", "));
    let request = BatchStatementRequest::builder().statement(statement).set_parameters(Some(values));
    #[allow(clippy::expect_used, reason = "the builder fails only without a statement")]
    request.build().expect("a statement is set")
}

fn outcome(error: Option<&aws_sdk_dynamodb::types::BatchStatementError>) -> Inserted {
    let Some(error) = error else { return Inserted::Stored };
    match error.code() {
        Some(Code::DuplicateItem) => Inserted::Exists,
        Some(
            Code::InternalServerError
            | Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::ThrottlingError
            | Code::TransactionConflict,
        ) => Inserted::TryAgain,
        _ => Inserted::Refused(format!("{:?}: {}", error.code(), error.message().unwrap_or_default())),
    }
}

fn fingerprint_request(keys: &[Key]) -> Result<KeysAndAttributes> {
    KeysAndAttributes::builder()
        .set_keys(Some(keys.iter().map(key_attributes).collect()))
        .consistent_read(true)
        .projection_expression("#p, #s, #v, #h, #r")
        .expression_attribute_names("#p", PK)
        .expression_attribute_names("#s", SK)
        .expression_attribute_names("#v", VERSION)
        .expression_attribute_names("#h", attr::HASH)
        .expression_attribute_names("#r", attr::REQUEST)
        .build()
        .map_err(Error::internal)
}

fn fingerprint(item: &Item) -> Option<(Key, Fingerprint)> {
    let bytes = |name: &str| item.get(name).and_then(|value| value.as_b().ok());
    let key = Key { pk: decode::text(item, PK)?.to_owned(), sk: decode::text(item, SK)?.to_owned() };
    let hash = bytes(attr::HASH)?.as_ref().try_into().ok()?;
    let request = bytes(attr::REQUEST)?.as_ref().try_into().ok()?;
    Some((key, Fingerprint { hash, request }))
}
