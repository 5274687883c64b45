//! One record of the stream.
//!
//! The crate `aws_lambda_events` has types for these, but it reads a delivery as a whole: one odd record would fail
//! all of them, for ever. Here each is read by itself.

use chrono::{DateTime, Utc};
use ledger::event::Event;
use serde::Deserialize;
use serde_json::Value;
use store::Item;
use store::events;
use store::sequence::SequenceNumber;

/// What a record asks for.
pub enum Reading {
    /// An event to add up.
    Count(Box<Event>),
    /// Nothing: only insertions count. What TTL removes was counted, and stays so.
    Ignore,
    /// It cannot be understood, for this reason.
    Odd(String),
}

/// A lane, and when something arrived in it.
pub type Arrival = (u8, DateTime<Utc>);

/// A record and its place in its shard.
pub struct Record<'a> {
    /// Its sequence number as it came, for the answer.
    pub sequence_text: &'a str,
    /// The same, for comparing.
    pub sequence: SequenceNumber,
    /// What it asks for.
    pub reading: Reading,
    /// Its lane and when it arrived, where it is an event that somebody sent and that can be counted.
    pub arrival: Option<Arrival>,
    /// All of it, for the quarantine.
    pub raw: &'a Value,
}

/// The part of a record that matters.
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
    /// Reads a record; none where not even its place in the shard can be told.
    pub fn read(raw: &'a Value) -> Option<Self> {
        let sequence_text = sequence_text(raw)?;
        let sequence = SequenceNumber::parse(sequence_text)?;
        let (reading, arrival) = reading(raw);
        Some(Self { sequence_text, sequence, reading, arrival, raw })
    }
}

fn reading(raw: &Value) -> (Reading, Option<Arrival>) {
    let odd = |reason| (Reading::Odd(reason), None);
    match raw.get("eventName").and_then(Value::as_str) {
        Some("INSERT") => {
            event(raw).map_or_else(odd, |(event, arrival)| (Reading::Count(Box::new(event)), arrival))
        }
        Some("MODIFY" | "REMOVE") => (Reading::Ignore, None),
        other => odd(format!("the event name {other:?} is not known")),
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
