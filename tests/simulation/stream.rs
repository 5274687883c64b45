//! Streams with their shards and records, and how far each shard has been delivered.

use chrono::{DateTime, Utc};
use ledger::period;
use ledger::rollup::{EndUser, Sighting, Sums};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use store::keys::{Key, PK, lane_of, mark_column, status};
use store::sequence::SequenceNumber;

use super::digits::Digits;
use super::wire::Process;

/// The table's ARN, to which each of its streams adds a label.
pub const TABLE: &str = "arn:aws:dynamodb:us-east-1:1:table/fleetledger-events";
/// Hashes of partition keys are below this.
const HASHES: u32 = 1 << 16;
/// The most shards of a stream.
const SHARDS: usize = 10;

/// What a record should lead to.
pub enum Matter {
    /// An event is counted.
    Count(Box<Counted>),
    /// It is put aside.
    Poison,
    /// Nothing.
    Nothing,
}

/// What an event adds.
pub struct Counted {
    pub sums: Vec<(Key, Sums)>,
    pub sightings: Vec<Sighting>,
    pub user: Option<EndUser>,
}

/// A record of a shard.
pub struct Record {
    pub digits: String,
    pub number: SequenceNumber,
    pub raw: Value,
    pub matter: Matter,
}

impl Record {
    /// When the event arrived.
    pub fn arrival(&self) -> Option<DateTime<Utc>> {
        period::parse_instant(self.raw["dynamodb"]["NewImage"]["a"]["S"].as_str()?)
    }

    /// The lane that the event is in.
    pub fn lane(&self) -> Option<u8> {
        lane_of(self.raw["dynamodb"]["Keys"][PK]["S"].as_str()?)
    }
}

/// A shard, and how far the mapping has come with it.
pub struct Shard {
    pub id: String,
    /// The column that should hold its mark.
    pub mark: String,
    pub records: Vec<Record>,
    /// Records before this one are done with.
    pub checkpoint: usize,
    /// The process that has a delivery of it.
    pub busy: Option<Process>,
    /// The most records of the next delivery, where a failure has bisected the last one.
    pub limit: Option<usize>,
    parent: Option<usize>,
    /// The hashes that it takes, the second one excluded.
    hashes: (u32, u32),
    closed: bool,
    digits: Digits,
}

/// A stream of the table.
pub struct Stream {
    pub arn: String,
    pub shards: Vec<Shard>,
}

/// A shard's place: its stream and its number in it.
pub type Place = (usize, usize);

impl Stream {
    /// A new stream. Its shards have the names that those of every stream before it had.
    pub fn new(rng: &mut StdRng, nth: usize) -> Self {
        let arn = format!("{TABLE}/stream/2026-0{}-01T00:00:00.000", nth + 1);
        let mut stream = Self { arn, shards: Vec::new() };
        let digits = Digits::new(rng);
        let shards = rng.random_range(1..=4);
        for i in 0..shards {
            let hashes =
                (HASHES / shards * i, if i + 1 == shards { HASHES } else { HASHES / shards * (i + 1) });
            let digits = digits.beside(rng);
            stream.open(None, hashes, digits);
        }
        stream
    }

    fn open(&mut self, parent: Option<usize>, hashes: (u32, u32), digits: Digits) {
        let id = format!("shardId-{:020}-{:08x}", self.shards.len(), 0xf1ee_0000_usize + self.shards.len());
        let mark = mark_column(&self.arn, &id);
        let (records, closed) = (Vec::new(), false);
        let shard = Shard {
            id,
            mark,
            records,
            checkpoint: 0,
            busy: None,
            limit: None,
            parent,
            hashes,
            closed,
            digits,
        };
        self.shards.push(shard);
    }

    /// Adds a record to the shard that takes the partition key.
    pub fn add(&mut self, rng: &mut StdRng, partition: &str, mut raw: Value, matter: Matter) -> String {
        let hash = hash(partition);
        let shard = self
            .shards
            .iter_mut()
            .find(|shard| !shard.closed && shard.hashes.0 <= hash && hash < shard.hashes.1);
        let shard = shard.expect("every hash has an open shard");
        let digits = shard.digits.next(rng);
        raw["eventSourceARN"] = json!(self.arn);
        raw["dynamodb"]["SequenceNumber"] = json!(digits);
        let number = SequenceNumber::parse(&digits).unwrap();
        let line = format!("{} {digits} {}", shard.id, raw["eventName"]);
        shard.records.push(Record { digits, number, raw, matter });
        line
    }

    /// Closes one of the open shards; one or two others go on where it ends.
    pub fn split(&mut self, rng: &mut StdRng) -> Option<String> {
        let open: Vec<_> = (0..self.shards.len()).filter(|i| !self.shards[*i].closed).collect();
        if self.shards.len() >= SHARDS {
            return None;
        }
        let parent = open[rng.random_range(0..open.len())];
        let (from, to) = self.shards[parent].hashes;
        self.shards[parent].closed = true;
        let digits = self.shards[parent].digits.clone();
        let border = if rng.random_ratio(1, 3) { to } else { u32::midpoint(from, to) };
        for hashes in [(from, border), (border, to)] {
            if hashes.0 < hashes.1 {
                let digits = digits.child(rng);
                self.open(Some(parent), hashes, digits);
            }
        }
        Some(self.shards[parent].id.clone())
    }

    /// No shard takes any more records.
    pub fn close(&mut self) {
        self.shards.iter_mut().for_each(|shard| shard.closed = true);
    }

    /// The shards of which more can be delivered: those whose parents are done with.
    pub fn ready(&self) -> impl Iterator<Item = usize> {
        self.shards.iter().enumerate().filter(|(_, shard)| self.is_ready(shard)).map(|(i, _)| i)
    }

    fn is_ready(&self, shard: &Shard) -> bool {
        let parent = shard.parent.map(|parent| &self.shards[parent]);
        let parents_end = parent.is_none_or(|parent| parent.is_done() && parent.busy.is_none());
        parents_end && shard.busy.is_none() && !shard.is_done()
    }
}

impl Shard {
    /// Whether all its records are done with.
    pub const fn is_done(&self) -> bool {
        self.checkpoint == self.records.len()
    }

    /// Where a record of it is kept if nobody understands it.
    pub fn place_aside(&self, record: &Record) -> Key {
        let stored = || {
            let seconds = record.raw["dynamodb"]["ApproximateCreationDateTime"].to_string();
            DateTime::from_timestamp(seconds.split('.').next()?.parse().ok()?, 0)
        };
        status::quarantine_key(record.arrival().or_else(stored), &self.mark, &record.digits)
    }

    /// What Lambda hands over of the records from `from` to `to`.
    pub fn delivery(&self, arn: &str, from: usize, to: usize) -> Value {
        let records: Vec<_> = self.records[from..to].iter().map(|record| &record.raw).collect();
        json!({
            "Records": records,
            "window": { "start": "2026-09-15T12:00:00Z", "end": "2026-09-15T12:15:00Z" },
            "state": {},
            "shardId": self.id,
            "eventSourceARN": arn,
            "isFinalInvokeForWindow": from == to,
            "isWindowTerminatedEarly": false,
        })
    }
}

fn hash(partition: &str) -> u32 {
    let fnv = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    let hash = partition.bytes().fold(2_166_136_261, fnv);
    (hash ^ (hash >> 16)) % HASHES
}
