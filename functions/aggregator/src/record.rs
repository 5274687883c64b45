//! One record of the stream.
//!
//! The crate `aws_lambda_events` has types for these, but it parses a delivery as a whole: one malformed record would
//! fail all of them, forever. Here each record is parsed by itself, and once: straight into an event.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ledger::event::Event;
use serde::Deserialize;
use serde_json::value::RawValue;
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
    pub sequence_text: Cow<'a, str>,
    /// The same, for comparisons.
    pub sequence: SequenceNumber,
    pub content: Content,
    /// None unless the record is an event that a sender ingested.
    pub arrival: Option<Arrival>,
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
        let (content, arrival) = content(record.name, record.change.new_image);
        let stored = record.change.stored.and_then(|seconds| instant(seconds.get()));
        Some(Self { sequence_text, sequence, content, arrival, stored, raw })
    }
}

/// The instant of a number of seconds, without its fraction.
fn instant(seconds: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.split('.').next()?.parse().ok()?, 0)
}

fn content(name: Option<&RawValue>, image: Option<&RawValue>) -> (Content, Option<Arrival>) {
    let name: Option<Cow<'_, str>> = name.and_then(|name| serde_json::from_str(name.get()).ok());
    match name.as_deref() {
        Some("INSERT") => event(image).unwrap_or_else(|reason| (Content::Malformed(reason), None)),
        Some("MODIFY" | "REMOVE") => (Content::Ignored, None),
        other => (Content::Malformed(format!("the event name {other:?} is not known")), None),
    }
}

fn event(image: Option<&RawValue>) -> Result<(Content, Option<Arrival>), String> {
    let streamed = events::parse_image(image.ok_or("no new image")?.get())?;
    let lane = streamed.lane.filter(|_| streamed.event.is_usage());
    Ok((Content::Event(Box::new(streamed.event)), lane.map(|lane| (lane, streamed.received))))
}
