//! The events table: raw events, inserted once and never updated.

mod envelope;
mod image;

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
use envelope::Envelope;
pub use image::{StreamedEvent, parse_image};
use ledger::event::{Data, Event};
use ledger::ids::Name;
use ledger::period::Day;

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

impl Fingerprint {
    fn bytes(self) -> Vec<u8> {
        [self.hash.as_slice(), &self.request].concat()
    }

    fn from_bytes(bytes: &[u8], revision: u64) -> Option<Self> {
        let (hash, request) = bytes.split_at_checked(16)?;
        Some(Self { hash: hash.try_into().ok()?, request: request.try_into().ok()?, revision })
    }
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
        let place = (event.utc_day(), event.source.as_str());
        let data = envelope::encode(place, (event.time, now), &event.data)?;
        let mut item = new_item(&key);
        item.extend([
            (attr::DATA.to_owned(), AttributeValue::B(Blob::new(data))),
            (attr::FINGERPRINT.to_owned(), AttributeValue::B(Blob::new(fingerprint.bytes()))),
            // Two zeros at the end take a byte less, and nothing expires to the second.
            (attr::EXPIRES.to_owned(), n(expires / 100 * 100 + 100)),
        ]);
        if let Data::AgentActivity(entry) = &event.data {
            item.extend(activity::index_attributes(event, entry));
        }
        if event.revision > 0 {
            item.insert(attr::REVISION.to_owned(), n(event.revision));
        }
        Ok(Self { key, fingerprint, item })
    }

    /// The item.
    pub const fn item(&self) -> &Item {
        &self.item
    }
}

impl RawEvent {
    /// The same event as an amendment of one that is stored, at a position that no other amendment may have. The content that
    /// it is compared by is that of `sent`, which may have another time.
    #[must_use]
    pub fn at_position(mut self, position: usize, sent: Fingerprint) -> Self {
        let own = std::mem::replace(&mut self.fingerprint, sent);
        let bytes = Fingerprint { request: own.request, ..sent }.bytes();
        self.item.insert(attr::FINGERPRINT.to_owned(), AttributeValue::B(Blob::new(bytes)));
        self.key = keys::amendment_key(&self.key, position);
        self.item.insert(SK.to_owned(), s(self.key.sk.clone()));
        self
    }
}

/// The attribute [`DATA`](attr::DATA) of an event that arrived at `received`.
pub(super) fn encoded(event: &Event, received: DateTime<Utc>) -> Result<Vec<u8>> {
    envelope::encode((event.utc_day(), event.source.as_str()), (event.time, received), &event.data)
}

/// The event that an item of the events table holds, or why it cannot be parsed.
pub fn parse(item: &Item) -> Result<Event, String> {
    parse_arrived(item).map(|(event, _)| event)
}

/// The event that an item of the events table holds and when it arrived, or why it cannot be parsed.
pub fn parse_arrived(item: &Item) -> Result<(Event, DateTime<Utc>), String> {
    let text = |name| decode::text(item, name).ok_or_else(|| format!("no attribute {name}"));
    let version = item.get(VERSION).and_then(|version| version.as_n().ok()).map(String::as_str);
    read(Stored { pk: text(PK)?, sk: text(SK)?, version, revision: revision(item), data: data(item)? })
}

/// The attributes of a raw event.
struct Stored<'a> {
    pk: &'a str,
    sk: &'a str,
    version: Option<&'a str>,
    /// None if it is malformed.
    revision: Option<u64>,
    data: &'a [u8],
}

/// The revision of an event: 0 where none is stored.
fn revision(item: &Item) -> Option<u64> {
    item.get(attr::REVISION).map_or(Some(0), |revision| revision.as_n().ok()?.parse().ok())
}

fn read(Stored { pk, sk, version, revision, data }: Stored<'_>) -> Result<(Event, DateTime<Utc>), String> {
    let (org, day, source, id) = keys::parse_event_key(pk, sk).ok_or("the key is not an event's")?;
    if version != Some(version::LAYOUT) {
        return Err(format!("version {version:?} is not known"));
    }
    let envelope = Envelope::read(day, data)?;
    let event = Event {
        org,
        data: envelope.data(&source)?,
        source: Name::new(source).map_err(|fault| fault.to_string())?,
        id: Name::new(id).map_err(|fault| fault.to_string())?,
        time: envelope.time,
        revision: revision.ok_or("the revision is not a number")?,
    };
    // Whoever recomputes a day reads the events under its key, so that is where this one has to be.
    if event.utc_day() != day {
        return Err(format!("the time is not on {day}"));
    }
    Ok((event, envelope.received))
}

fn data(item: &Item) -> Result<&[u8], String> {
    let data = item.get(attr::DATA).and_then(|data| data.as_b().ok());
    data.map(AsRef::as_ref).ok_or_else(|| format!("no attribute {}", attr::DATA))
}

/// When the event of an item arrived, even if its payload cannot be parsed.
pub fn arrival(item: &Item) -> Option<DateTime<Utc>> {
    let (_, day, ..) = keys::parse_event_key(decode::text(item, PK)?, decode::text(item, SK)?)?;
    arrival_of(day, data(item).ok()?)
}

/// When an event arrived that is stored under a day as `data`.
pub(super) fn arrival_of(day: Day, data: &[u8]) -> Option<DateTime<Utc>> {
    Envelope::read(day, data).ok().map(|envelope| envelope.received)
}

/// The id and the payload of an event, whose item may lack attributes that are not projected to indexes.
pub(super) fn payload(item: &Item) -> Result<(String, Data), String> {
    let text = |name| decode::text(item, name).ok_or_else(|| format!("no attribute {name}"));
    let (_, day, source, id) =
        keys::parse_event_key(text(PK)?, text(SK)?).ok_or("the key is not an event's")?;
    Ok((id.to_owned(), Envelope::read(day, data(item)?)?.data(&source)?))
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
        let attributes = [PK, SK, VERSION, attr::FINGERPRINT, attr::REVISION];
        let items = self.table.get_many_attributes(keys, &attributes).await?;
        Ok(items.iter().filter_map(fingerprint).collect())
    }

    /// The event that is stored under `key`, followed by its amendments in order, strongly consistent.
    pub async fn revisions(&self, key: &Key) -> Result<Vec<StoredRevision>> {
        let parse = |item: Item| {
            let (_, fingerprint) = fingerprint(&item)
                .ok_or_else(|| Error::Internal("a raw event has no fingerprint".to_owned()))?;
            let (event, _) = parse_arrived(&item).map_err(Error::internal)?;
            Ok(StoredRevision { fingerprint, time: event.time, data: event.data })
        };
        let attributes = [PK, SK, attr::FINGERPRINT, attr::REVISION, attr::DATA];
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
    let key = Key { pk: decode::text(item, PK)?.to_owned(), sk: decode::text(item, SK)?.to_owned() };
    let bytes = item.get(attr::FINGERPRINT)?.as_b().ok()?;
    Some((key, Fingerprint::from_bytes(bytes.as_ref(), revision(item)?)?))
}
