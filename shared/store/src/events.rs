//! The events table: raw events, inserted once and never updated.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::keys::{self, Key, PK, SK, VERSION, event as attr};
use super::table::{Write, absent};
use super::{Events, Item, activity, decode, n, new_item, s, version};
use crate::error::{Error, Result};
use ledger::event::{Data, Event};
use ledger::ids::Name;
use ledger::period;

/// The most statements in one `BatchExecuteStatement`, a limit of DynamoDB.
pub const INSERT_BATCH: usize = 25;

/// The outcome of one insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// This call stored the event.
    Stored,
    /// An event with this key was stored before.
    Exists,
    /// Not stored, as far as is known: throttled, or no response. The same insert may succeed later.
    TryAgain,
    /// Not stored, for another reason; the text is for the log.
    Refused(String),
}

/// Identifies the request that stored an event, so that a duplicate, a conflict and a retry whose response was lost can
/// be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash of the event's content. A duplicate has the same, a conflict another.
    pub hash: [u8; 16],
    /// The random id of the request that stored it.
    pub request: [u8; 8],
    /// The event's revision.
    pub revision: u64,
}

/// An event that is stored, or an amendment of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRevision {
    /// Content hash, request id and revision.
    pub fingerprint: Fingerprint,
    /// The time of the event.
    pub time: DateTime<Utc>,
    /// The payload.
    pub data: Data,
}

/// A raw event, ready to be stored.
#[derive(Clone, Debug)]
pub struct RawEvent {
    /// Its primary key.
    pub key: Key,
    /// Content hash and request id.
    pub fingerprint: Fingerprint,
    item: Item,
}

impl RawEvent {
    /// The stored form of `event`, which arrived at `now` in the request `request`. The table's TTL deletes it `days`
    /// later.
    pub fn new(event: &Event, request: [u8; 8], now: DateTime<Utc>, days: u32) -> Result<Self> {
        let key = keys::event_key(&event.org, event.utc_day(), event.source.as_str(), event.id.as_str());
        let fingerprint = Fingerprint { hash: event.content_hash(), request, revision: event.revision };
        let expires = (now + TimeDelta::days(days.into())).timestamp();
        let data = serde_json::to_string(&event.data).map_err(Error::internal)?;
        let mut item = new_item(&key);
        item.extend([
            (attr::TIME.to_owned(), s(period::rfc3339(event.time))),
            (attr::DATA.to_owned(), s(data)),
            (attr::HASH.to_owned(), AttributeValue::B(Blob::new(fingerprint.hash))),
            (attr::REQUEST.to_owned(), AttributeValue::B(Blob::new(request))),
            (attr::RECEIVED.to_owned(), s(period::rfc3339(now))),
            (attr::EXPIRES.to_owned(), n(expires)),
        ]);
        if let Data::AgentActivity(entry) = &event.data {
            item.extend(activity::index_attributes(event, entry));
        }
        if event.revision > 0 {
            item.insert(attr::REVISION.to_owned(), n(event.revision));
        }
        Ok(Self { key, fingerprint, item })
    }
}

impl RawEvent {
    /// The same event as an amendment of one that is stored, at a position that no other amendment may have. The content that
    /// it is compared by is that of `sent`, which may have another time.
    #[must_use]
    pub fn at_position(mut self, position: usize, sent: Fingerprint) -> Self {
        self.fingerprint = sent;
        self.item.insert(attr::HASH.to_owned(), AttributeValue::B(Blob::new(sent.hash)));
        self.key = keys::amendment_key(&self.key, position);
        self.item.insert(SK.to_owned(), s(self.key.sk.clone()));
        self
    }
}

/// The event that an item of the events table holds, or why it cannot be parsed.
pub fn parse(item: &Item) -> Result<Event, String> {
    let text = |name| decode::text(item, name).ok_or_else(|| format!("no attribute {name}"));
    let (pk, sk) = (text(PK)?, text(SK)?);
    let (org, day, source, id) = keys::parse_event_key(pk, sk).ok_or("the key is not an event's")?;
    let version = item.get(VERSION).and_then(|version| version.as_n().ok());
    if version.map(String::as_str) != Some(version::LAYOUT) {
        return Err(format!("version {version:?} is not known"));
    }
    let event = Event {
        org,
        source: Name::new(source).map_err(|fault| fault.to_string())?,
        id: Name::new(id).map_err(|fault| fault.to_string())?,
        time: period::parse_instant(text(attr::TIME)?).ok_or("the time is not RFC 3339")?,
        revision: revision(item).ok_or("the revision is not a number")?,
        data: serde_json::from_str(text(attr::DATA)?).map_err(|fault| fault.to_string())?,
    };
    // Whoever recomputes a day reads the events under its key, so that is where this one has to be.
    if event.utc_day() == day { Ok(event) } else { Err(format!("the time is not on {day}")) }
}

/// The revision of an event: 0 where none is stored.
fn revision(item: &Item) -> Option<u64> {
    item.get(attr::REVISION).map_or(Some(0), |revision| revision.as_n().ok()?.parse().ok())
}

/// The lane and the arrival of the event that an item of the events table holds.
pub fn arrival(item: &Item) -> Option<(u8, DateTime<Utc>)> {
    Some((
        keys::lane_of(decode::text(item, PK)?)?,
        period::parse_instant(decode::text(item, attr::RECEIVED)?)?,
    ))
}

impl Events {
    /// Inserts up to [`INSERT_BATCH`] events in one call; each of them is stored or not by itself. Claiming an id and
    /// storing its event are the same write.
    pub async fn insert_events(&self, events: &[&RawEvent]) -> Result<Vec<Inserted>> {
        let table = self.table.name();
        let statements = events.iter().map(|event| insert_statement(table, event)).collect();
        Ok(self.table.execute_batch(statements).await?.iter().map(|error| inserted(error.as_ref())).collect())
    }

    /// Stores an event, if there is none with its key: for transactions with other tables.
    pub(crate) fn put(&self, event: RawEvent) -> Write<'_> {
        self.table.put(event.item).only_if(absent(PK))
    }

    /// The fingerprints of the events that are stored under `keys`, none of which may occur twice.
    pub async fn fingerprints(&self, keys: &[Key]) -> Result<HashMap<Key, Fingerprint>> {
        let attributes = [PK, SK, VERSION, attr::HASH, attr::REQUEST, attr::REVISION];
        let items = self.table.get_many_attributes(keys, &attributes).await?;
        Ok(items.iter().filter_map(fingerprint).collect())
    }

    /// The event that is stored under `key`, followed by its amendments in order, strongly consistent.
    pub async fn revisions(&self, key: &Key) -> Result<Vec<StoredRevision>> {
        let parse = |item: Item| {
            let (_, fingerprint) = fingerprint(&item)
                .ok_or_else(|| Error::Internal("a raw event has no fingerprint".to_owned()))?;
            let data = serde_json::from_str(decode::required(&item, attr::DATA)?).map_err(Error::internal)?;
            let time = period::parse_instant(decode::required(&item, attr::TIME)?);
            let time = time.ok_or_else(|| Error::Internal("a raw event has no time".to_owned()))?;
            Ok(StoredRevision { fingerprint, time, data })
        };
        let attributes = [PK, SK, attr::HASH, attr::REQUEST, attr::REVISION, attr::TIME, attr::DATA];
        self.table.query(&keys::event_and_amendments(key)).strong().attributes(attributes).all(parse).await
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

fn inserted(error: Option<&BatchStatementError>) -> Inserted {
    let Some(error) = error else { return Inserted::Stored };
    match error.code() {
        Some(Code::DuplicateItem) => Inserted::Exists,
        // Without a code: the response is missing.
        None
        | Some(
            Code::InternalServerError
            | Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::ThrottlingError
            | Code::TransactionConflict,
        ) => Inserted::TryAgain,
        _ => Inserted::Refused(format!("{:?}: {}", error.code(), error.message().unwrap_or_default())),
    }
}

fn fingerprint(item: &Item) -> Option<(Key, Fingerprint)> {
    let bytes = |name: &str| item.get(name).and_then(|value| value.as_b().ok());
    let key = Key { pk: decode::text(item, PK)?.to_owned(), sk: decode::text(item, SK)?.to_owned() };
    let hash = bytes(attr::HASH)?.as_ref().try_into().ok()?;
    let request = bytes(attr::REQUEST)?.as_ref().try_into().ok()?;
    Some((key, Fingerprint { hash, request, revision: revision(item)? }))
}
