//! One record of the stream.
//!
//! The crate `aws_lambda_events` has types for these, but it parses a delivery as a whole: one malformed record would
//! fail all of them, forever. Here each record is parsed by itself, and once: straight into an event.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ledger::event::Event;
use serde::Deserialize;
use serde_json::value::RawValue;
use store::events::{self, StreamedEvent};
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
    pub sequence_text: Cow<'a, str>,
    /// The same, for comparisons.
    pub sequence: SequenceNumber,
    pub content: Content,
    /// None unless the record is an event that a sender ingested.
    pub arrival: Option<Arrival>,
    /// When the event was stored; none unless the record is one.
    pub received: Option<DateTime<Utc>>,
    /// When the change was stored, as the stream states it.
    pub stored: Option<DateTime<Utc>>,
    /// The whole record, for the quarantine.
    pub raw: &'a RawValue,
}

/// The parts of a record that are read. What may be malformed is read by itself.
#[derive(Deserialize)]
struct RawRecord<'a> {
    #[serde(rename = "eventName", borrow)]
    name: Option<&'a RawValue>,
    #[serde(rename = "dynamodb", borrow)]
    change: RawChange<'a>,
}

#[derive(Deserialize)]
struct RawChange<'a> {
    #[serde(rename = "SequenceNumber", borrow)]
    sequence_number: Cow<'a, str>,
    #[serde(rename = "NewImage", borrow)]
    new_image: Option<&'a RawValue>,
    #[serde(rename = "ApproximateCreationDateTime", borrow)]
    stored: Option<&'a RawValue>,
}

impl<'a> Record<'a> {
    /// Parses a record. None where it has no sequence number.
    pub fn read(raw: &'a RawValue) -> Option<Self> {
        let record: RawRecord<'a> = serde_json::from_str(raw.get()).ok()?;
        let sequence_text = record.change.sequence_number;
        let sequence = SequenceNumber::parse(&sequence_text)?;
        let stored = record.change.stored.and_then(|seconds| instant(seconds.get()));
        let streamed = match event(record.name, record.change.new_image) {
            Ok(Some(streamed)) => streamed,
            Ok(None) => {
                return Some(Self::without_event(sequence_text, sequence, Content::Ignored, stored, raw));
            }
            Err(reason) => {
                let content = Content::Malformed(reason);
                return Some(Self::without_event(sequence_text, sequence, content, stored, raw));
            }
        };
        let StreamedEvent { event, lane, received } = streamed;
        let arrival = lane.filter(|_| event.is_usage()).map(|lane| (lane, received));
        let content = Content::Event(Box::new(event));
        Some(Self { sequence_text, sequence, content, arrival, received: Some(received), stored, raw })
    }

    const fn without_event(
        sequence_text: Cow<'a, str>,
        sequence: SequenceNumber,
        content: Content,
        stored: Option<DateTime<Utc>>,
        raw: &'a RawValue,
    ) -> Self {
        Self { sequence_text, sequence, content, arrival: None, received: None, stored, raw }
    }
}

/// The instant of a number of seconds, without its fraction.
fn instant(seconds: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.split('.').next()?.parse().ok()?, 0)
}

/// The event that was inserted, if one was.
fn event(name: Option<&RawValue>, image: Option<&RawValue>) -> Result<Option<StreamedEvent>, String> {
    let name: Option<Cow<'_, str>> = name.and_then(|name| serde_json::from_str(name.get()).ok());
    match name.as_deref() {
        Some("INSERT") => events::parse_image(image.ok_or("no new image")?.get()).map(Some),
        Some("MODIFY" | "REMOVE") => Ok(None),
        other => Err(format!("the event name {other:?} is not known")),
    }
}
