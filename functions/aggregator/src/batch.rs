//! One delivery of records, all of one shard.

use serde_json::Value;
use store::keys::mark_column;

use crate::record::{self, Record};

/// A delivery.
pub struct Batch<'a> {
    /// The column that marks how far this shard has been added up.
    pub mark: String,
    /// The records, in the order of the shard.
    pub records: Vec<Record<'a>>,
}

/// Why a delivery cannot be taken at all.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Without the shard there is no mark to tell what was counted.
    #[error(
        "the event has no shardId: set TumblingWindowInSeconds on the event source mapping, which makes Lambda \
         send it"
    )]
    NoShard,
    /// Without the ARN a stream that was made anew would share marks with the old one.
    #[error("the event has no eventSourceARN")]
    NoStream,
    /// Without records there is nothing that could be a delivery.
    #[error("the event has no Records")]
    NoRecords,
    /// A record without a place in its shard can neither be marked nor asked for again.
    #[error("a record has no sequence number")]
    NoSequenceNumber,
}

impl<'a> Batch<'a> {
    /// Reads a delivery as Lambda sends it.
    pub fn read(event: &'a Value) -> Result<Self, Refused> {
        let text = |name| event.get(name).and_then(Value::as_str);
        let shard = text("shardId").ok_or(Refused::NoShard)?;
        let raw = event.get("Records").and_then(Value::as_array).ok_or(Refused::NoRecords)?;
        let of_first = || raw.first()?.get("eventSourceARN")?.as_str();
        let stream = text("eventSourceARN").or_else(of_first).ok_or(Refused::NoStream)?;
        let records: Option<Vec<_>> = raw.iter().map(Record::read).collect();
        let mut records = records.ok_or(Refused::NoSequenceNumber)?;
        // Lambda keeps the order of the shard; what is proved below rests on it, so it is not taken on trust.
        records.sort_by_key(|record| record.sequence);
        records.dedup_by_key(|record| record.sequence);
        Ok(Self { mark: mark_column(stream, shard), records })
    }

    /// The record with the place `index`.
    pub fn sequence_text(&self, index: usize) -> Option<&'a str> {
        self.records.get(index).and_then(|record| record::sequence_text(record.raw))
    }
}
