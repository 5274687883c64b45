//! One delivery of records, all of one shard.

use serde_json::Value;
use store::keys::mark_column;

use crate::record::{self, Record};

/// A delivery of a shard's records.
pub struct Delivery<'a> {
    /// The column in which rollup items store the mark of this shard.
    pub mark: String,
    /// In the order of the shard.
    pub records: Vec<Record<'a>>,
}

/// Why a delivery as a whole cannot be aggregated.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDelivery {
    /// Without the shard there is no mark that tells what was already added.
    #[error(
        "the event has no shardId: set TumblingWindowInSeconds on the event source mapping, which makes Lambda \
         send it"
    )]
    NoShard,
    /// Without the ARN, a stream that is created again would share marks with the old one.
    #[error("the event has no eventSourceARN")]
    NoStream,
    #[error("the event has no Records")]
    NoRecords,
    /// A record without its position in the shard can neither be marked nor requested again.
    #[error("a record has no sequence number")]
    NoSequenceNumber,
}

impl<'a> Delivery<'a> {
    /// Reads a delivery as Lambda sends it.
    pub fn read(event: &'a Value) -> Result<Self, InvalidDelivery> {
        let text = |name| event.get(name).and_then(Value::as_str);
        let shard = text("shardId").ok_or(InvalidDelivery::NoShard)?;
        let raw = event.get("Records").and_then(Value::as_array).ok_or(InvalidDelivery::NoRecords)?;
        let of_first = || raw.first()?.get("eventSourceARN")?.as_str();
        let stream = text("eventSourceARN").or_else(of_first).ok_or(InvalidDelivery::NoStream)?;
        let records: Option<Vec<_>> = raw.iter().map(Record::read).collect();
        let mut records = records.ok_or(InvalidDelivery::NoSequenceNumber)?;
        // Lambda keeps the order of the shard. The marks depend on it, so it is enforced here.
        records.sort_by_key(|record| record.sequence);
        records.dedup_by_key(|record| record.sequence);
        Ok(Self { mark: mark_column(stream, shard), records })
    }

    /// The sequence number of the record at `index`, as Lambda sent it.
    pub fn sequence_text(&self, index: usize) -> Option<&'a str> {
        self.records.get(index).and_then(|record| record::sequence_text(record.raw))
    }
}
