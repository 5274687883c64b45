//! Determines the instant before which all accepted events are counted: `completeThrough` in responses.
//!
//! The aggregator stores a position for each shard, up to which it has processed all records. The first record after
//! the position shows since when the shard has been waiting. A shard without such a record waits for nothing, however
//! long it has been idle. So the instant is that of the earliest of these records, or else the time of the run. It does
//! not depend on the clocks of ingest, or on how long anything should take.
//!
//! An event that reached a sealed rollup is counted when its day is recomputed. Until then the instant of its
//! organization is held back.

mod stream;

use std::time::Duration;

use aws_sdk_dynamodbstreams::Client;
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::stream::{self as streams, StreamExt, TryStreamExt};
use ledger::period;
use runtime::clock::Clock;
use serde::Serialize;
use serde_json::Value;
use store::Usage;
use store::completeness::Backlog;
use store::keys::mark_column;

use stream::Streams;

runtime::tables!(usage: Usage);

/// How much earlier than its first waiting record a shard is complete. DynamoDB states the time of a record only
/// approximately, and the record appears in the stream a moment after it was stored.
const MARGIN: TimeDelta = TimeDelta::seconds(10);
/// How long an instant is withheld, because figures are read with eventual consistency: longer than a replica lags.
const REPLICATION: Duration = Duration::from_secs(2);
/// Shards that are read at once.
const IN_FLIGHT: usize = 8;
/// The most organizations that are held back, because the size of the item that names them is limited. With more, the
/// instants of all organizations stay where they are.
const MAX_HELD: usize = 1_000;

/// The function.
#[derive(Clone, Debug)]
pub struct Completeness {
    tables: Tables,
    streams: Streams,
    clock: Clock,
}

/// The result of a run.
#[derive(Clone, Debug, Default, Serialize)]
struct Report {
    /// Every event that was accepted before this instant is counted.
    through: String,
    shards: usize,
    /// Shards with records that are not aggregated.
    waiting: usize,
    /// Organizations with days that have to be recomputed.
    held: usize,
    stored: bool,
}

impl Completeness {
    /// Reads the streams of the table named `events`.
    pub const fn new(tables: Tables, streams: Client, events: String, clock: Clock) -> Self {
        Self { tables, streams: Streams::new(streams, events), clock }
    }

    /// Determines the instant and stores it. Returns a report.
    ///
    /// # Errors
    ///
    /// The streams or the table cannot be read. The stored instant stays valid.
    pub async fn handle(&self) -> Result<Value, lambda_runtime::Error> {
        let usage = &self.tables.usage;
        // Taken before anything is read, because records that are stored from now on may be missed.
        let now = self.clock.now();
        let known = usage.completeness().await?;
        let positions = usage.shard_positions().await?;
        let shards = self.streams.shards().await?;
        let count = shards.len();
        let firsts = shards.into_iter().map(|shard| {
            let position = positions.get(&mark_column(&shard.stream, &shard.id)).cloned();
            let streams = self.streams.clone();
            async move { streams.first_after(&shard, position.as_deref()).await }.boxed()
        });
        // Collected first, because the compiler rejects the closure in a stream as not general enough.
        let firsts = streams::iter(firsts.collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT);
        let waiting: Vec<Option<DateTime<Utc>>> = firsts.try_collect().await?;
        let since = waiting.iter().flatten().min().copied();
        let through = since.map_or(now, |since| now.min(since)) - MARGIN;
        // Read after the positions: the aggregator marks days as dirty before it stores the position of their events.
        let dirty = usage.dirty_organizations().await?;
        let mut report = Report {
            through: period::rfc3339(through),
            shards: count,
            waiting: waiting.iter().flatten().count(),
            held: dirty.len(),
            stored: false,
        };
        let next = if dirty.len() <= MAX_HELD { known.advanced(through, dirty) } else { known };
        tokio::time::sleep(REPLICATION).await;
        let next = next.with_backlog(Backlog { measured: now, oldest: since });
        report.stored = usage.store_completeness(&next).await?;
        Ok(serde_json::to_value(report)?)
    }
}
