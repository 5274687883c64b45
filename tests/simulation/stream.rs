//! Streams, their shards and records, and the checkpoint of each shard.

use chrono::{DateTime, Utc};
use ledger::calendar::Calendar;
use ledger::event::Event;
use ledger::rollup::{self, EndUser, Rollup, Sighting};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use store::events;
use store::keys::chains::shard_hash;
use store::keys::{Key, Keyed, PK, SK, lane_of, mark_column, status};
use store::sequence::SequenceNumber;

use super::sequence_numbers::SequenceNumbers;
use super::wire::Process;
use crate::support::attributes::item_of;

/// The ARN of the table; the ARN of a stream adds a label.
pub const TABLE: &str = "arn:aws:dynamodb:us-east-1:1:table/fleetledger-events";
/// The number of hashes of partition keys.
const HASHES: u32 = 1 << 16;
/// The most shards in a stream.
const SHARDS: usize = 10;

/// The expected effect of a record.
pub enum Effect {
    /// Its event is counted.
    Count(Box<Event>),
    /// It is quarantined.
    Quarantine,
    /// None.
    Nothing,
}

/// What an event contributes.
pub struct Contribution {
    pub sums: Vec<(Key, Rollup)>,
    pub sightings: Vec<Sighting>,
    pub users: Vec<EndUser>,
}

impl Contribution {
    /// What an event contributes by some calendars.
    pub fn of(event: &Event, calendars: &[Calendar]) -> Self {
        let brings = rollup::contribution(event, calendars);
        let sums = brings.sums.into_iter().map(|(target, sums)| (target.key(), sums)).collect();
        Self { sums, sightings: brings.sightings, users: brings.end_users }
    }
}

/// A record of a shard.
pub struct Record {
    pub digits: String,
    pub number: SequenceNumber,
    pub raw: Value,
    pub effect: Effect,
}

impl Record {
    /// The event, if it is to be counted.
    pub const fn counted(&self) -> Option<&Event> {
        match &self.effect {
            Effect::Count(event) => Some(event),
            Effect::Quarantine | Effect::Nothing => None,
        }
    }

    /// The arrival of the event.
    pub fn arrival(&self) -> Option<DateTime<Utc>> {
        let image = &self.raw["dynamodb"]["NewImage"];
        events::arrival(&item_of(image.is_object().then_some(image)?))
    }

    /// When it was stored, by DynamoDB's clock.
    pub fn stored(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.raw["dynamodb"]["ApproximateCreationDateTime"].as_i64()?, 0)
    }

    /// The key of the raw event.
    pub fn event_key(&self) -> Key {
        let keys = &self.raw["dynamodb"]["Keys"];
        let text = |name: &str| keys[name]["S"].as_str().unwrap_or_default().to_owned();
        Key { pk: text(PK), sk: text(SK) }
    }

    /// The lane of the event.
    pub fn lane(&self) -> Option<u8> {
        lane_of(self.raw["dynamodb"]["Keys"][PK]["S"].as_str()?)
    }
}

/// A shard, and the progress of the mapping.
pub struct Shard {
    pub id: String,
    /// The column of its mark.
    pub mark: String,
    /// Stands for it in the keys of chains.
    pub chain_hash: [u8; 8],
    pub records: Vec<Record>,
    /// The index of the first record that has not been processed.
    pub checkpoint: usize,
    /// The process that handles a delivery of this shard.
    pub busy: Option<Process>,
    /// The most records of the next delivery, after a failure.
    pub limit: Option<usize>,
    pub parent: Option<usize>,
    /// The half-open range of its hashes.
    hashes: (u32, u32),
    pub closed: bool,
    digits: SequenceNumbers,
}

/// A stream of the table.
pub struct Stream {
    pub arn: String,
    pub shards: Vec<Shard>,
}

/// The index of a stream and of a shard in it.
pub type ShardIndex = (usize, usize);

impl Stream {
    /// A new stream. Its shards have the same ids as those of the previous streams.
    pub fn new(rng: &mut StdRng, nth: usize) -> Self {
        let arn = format!("{TABLE}/stream/2026-0{}-01T00:00:00.000", nth + 1);
        let mut stream = Self { arn, shards: Vec::new() };
        let digits = SequenceNumbers::new(rng);
        let shards = rng.random_range(1..=4);
        for i in 0..shards {
            let hashes =
                (HASHES / shards * i, if i + 1 == shards { HASHES } else { HASHES / shards * (i + 1) });
            let digits = digits.beside(rng);
            stream.open(None, hashes, digits);
        }
        stream
    }

    fn open(&mut self, parent: Option<usize>, hashes: (u32, u32), digits: SequenceNumbers) {
        let id = format!("shardId-{:020}-{:08x}", self.shards.len(), 0xf1ee_0000_usize + self.shards.len());
        let (mark, chain_hash) = (mark_column(&self.arn, &id), shard_hash(&self.arn, &id));
        let (records, closed) = (Vec::new(), false);
        let shard = Shard {
            id,
            mark,
            chain_hash,
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

    /// Adds a record to the shard of a partition key.
    pub fn add(
        &mut self,
        rng: &mut StdRng,
        now: DateTime<Utc>,
        partition: &str,
        mut raw: Value,
        effect: Effect,
    ) -> String {
        let hash = hash(partition);
        let shard = self
            .shards
            .iter_mut()
            .find(|shard| !shard.closed && shard.hashes.0 <= hash && hash < shard.hashes.1);
        let shard = shard.expect("every hash has an open shard");
        let digits = shard.digits.next(rng);
        raw["eventSourceARN"] = json!(self.arn);
        raw["dynamodb"]["ApproximateCreationDateTime"] = json!(now.timestamp());
        raw["dynamodb"]["SequenceNumber"] = json!(digits);
        let number = SequenceNumber::parse(&digits).unwrap();
        let line = format!("{} {digits} {}", shard.id, raw["eventName"]);
        shard.records.push(Record { digits, number, raw, effect });
        line
    }

    /// Closes a random open shard and opens one or two children.
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

    /// Closes all shards.
    pub fn close(&mut self) {
        self.shards.iter_mut().for_each(|shard| shard.closed = true);
    }

    /// The shards with records to deliver, whose parents have been processed.
    pub fn ready(&self) -> impl Iterator<Item = usize> {
        self.shards.iter().enumerate().filter(|(_, shard)| self.is_ready(shard)).map(|(i, _)| i)
    }

    /// The closed shards of which records were processed.
    pub fn replayable(&self) -> impl Iterator<Item = usize> {
        let closed = self.shards.iter().enumerate().filter(|(_, shard)| shard.closed && shard.checkpoint > 0);
        closed.map(|(i, _)| i)
    }

    fn is_ready(&self, shard: &Shard) -> bool {
        let parent = shard.parent.map(|parent| &self.shards[parent]);
        let parents_end = parent.is_none_or(|parent| parent.is_done() && parent.busy.is_none());
        parents_end && shard.busy.is_none() && !shard.is_done()
    }
}

impl Shard {
    /// Whether all its records have been processed.
    pub const fn is_done(&self) -> bool {
        self.checkpoint == self.records.len()
    }

    /// The key of a malformed record in the quarantine.
    pub fn quarantine_key(&self, record: &Record) -> Key {
        let stored = || {
            let seconds = record.raw["dynamodb"]["ApproximateCreationDateTime"].to_string();
            DateTime::from_timestamp(seconds.split('.').next()?.parse().ok()?, 0)
        };
        status::quarantine_key(record.arrival().or_else(stored), &self.mark, &record.digits)
    }

    /// The payload that Lambda delivers for a range of records.
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
