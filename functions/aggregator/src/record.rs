//! One record of the stream.
//!
//! The crate `aws_lambda_events` has types for these, but it parses a delivery as a whole: one malformed record would
//! fail all of them, forever. Here each record is parsed by itself.

use chrono::{DateTime, Utc};
use ledger::event::Event;
use serde::Deserialize;
use serde_json::Value;
use store::Item;
use store::events;
use store::sequence::SequenceNumber;

/// What a record contains.
pub enum Content {
    /// An event to be aggregated.
    Event(Box<Event>),
    /// Nothing to be aggregated. Only insertions count: an event that TTL removes was aggregated, and stays so.
    Ignored,
    /// The record is malformed, for this reason.
    Malformed(String),
}

/// A lane, and when an event arrived in it.
pub type Arrival = (u8, DateTime<Utc>);

/// A record and its position in the shard.
pub struct Record<'a> {
    /// The sequence number as Lambda sent it, for the response.
    pub sequence_text: &'a str,
    /// The same, for comparisons.
    pub sequence: SequenceNumber,
    pub content: Content,
    /// None unless the record is an event that a sender ingested.
    pub arrival: Option<Arrival>,
    /// The whole record, for the quarantine.
    pub raw: &'a Value,
}

/// The part of a record that is parsed.
#[derive(Deserialize)]
struct Change {
    #[serde(rename = "NewImage")]
    new_image: Option<serde_dynamo::Item>,
}

/// The sequence number of a record.
pub fn sequence_text(raw: &Value) -> Option<&str> {
    raw.pointer("/dynamodb/SequenceNumber")?.as_str()
}

impl<'a> Record<'a> {
    /// Parses a record. None where it has no sequence number.
    pub fn read(raw: &'a Value) -> Option<Self> {
        let sequence_text = sequence_text(raw)?;
        let sequence = SequenceNumber::parse(sequence_text)?;
        let (content, arrival) = content(raw);
        Some(Self { sequence_text, sequence, content, arrival, raw })
    }
}

fn content(raw: &Value) -> (Content, Option<Arrival>) {
    let malformed = |reason| (Content::Malformed(reason), None);
    match raw.get("eventName").and_then(Value::as_str) {
        Some("INSERT") => {
            event(raw).map_or_else(malformed, |(event, arrival)| (Content::Event(Box::new(event)), arrival))
        }
        Some("MODIFY" | "REMOVE") => (Content::Ignored, None),
        other => malformed(format!("the event name {other:?} is not known")),
    }
}

fn event(raw: &Value) -> Result<(Event, Option<Arrival>), String> {
    let change = raw.get("dynamodb").map(Change::deserialize).ok_or("no change")?;
    let image = change.map_err(|fault| fault.to_string())?.new_image.ok_or("no new image")?;
    let image: Item = image.into();
    let event = events::parse(&image)?;
    let arrival = events::arrival(&image).filter(|_| event.is_usage());
    Ok((event, arrival))
}
