//! One delivery of records, all of one shard.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use store::keys::chains::shard_hash;
use store::keys::mark_column;
use store::sequence::SequenceNumber;

use crate::record::Record;

/// A delivery of a shard's records.
pub struct Delivery<'a> {
    /// The column in which rollup items store the mark of this shard.
    pub mark: String,
    /// Stands for this shard in the keys of chains.
    pub shard: [u8; 8],
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
    #[error("the event is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The parts of a delivery that are read.
#[derive(Deserialize)]
struct RawDelivery<'a> {
    #[serde(rename = "shardId", borrow)]
    shard: Option<Cow<'a, str>>,
    #[serde(rename = "eventSourceARN", borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(rename = "Records", borrow)]
    records: Option<Vec<&'a RawValue>>,
}

/// What a record says about its stream.
#[derive(Deserialize)]
struct Origin<'a> {
    #[serde(rename = "eventSourceARN", borrow)]
    stream: Option<Cow<'a, str>>,
}

impl<'a> Delivery<'a> {
    /// Reads a delivery as Lambda sends it.
    pub fn read(json: &'a str) -> Result<Self, InvalidDelivery> {
        let delivery: RawDelivery<'a> = serde_json::from_str(json)?;
        let shard = delivery.shard.ok_or(InvalidDelivery::NoShard)?;
        let raw = delivery.records.ok_or(InvalidDelivery::NoRecords)?;
        let of_first = || serde_json::from_str::<Origin<'_>>(raw.first()?.get()).ok()?.stream;
        let stream = delivery.stream.or_else(of_first).ok_or(InvalidDelivery::NoStream)?;
        let records: Option<Vec<_>> = raw.iter().map(|record| Record::read(record)).collect();
        let mut records = records.ok_or(InvalidDelivery::NoSequenceNumber)?;
        // Lambda keeps the order of the shard. The marks depend on it, so it is enforced here.
        records.sort_by_key(|record| record.sequence);
        records.dedup_by_key(|record| record.sequence);
        Ok(Self { mark: mark_column(&stream, &shard), shard: shard_hash(&stream, &shard), records })
    }

    /// The index of the record with a sequence number, or of the first one after it.
    pub fn index_of(&self, sequence: SequenceNumber) -> usize {
        self.records.partition_point(|record| record.sequence < sequence)
    }

    /// The sequence number of the record at `index`, as Lambda sent it.
    pub fn sequence_text(&self, index: usize) -> Option<&str> {
        self.records.get(index).map(|record| &*record.sequence_text)
    }
}
