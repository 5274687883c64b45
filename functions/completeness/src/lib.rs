//! Finds up to which instant all accepted events are counted: `completeThrough` in responses.
//!
//! The aggregator notes the position of each shard up to which it has aggregated all records. The first record after it
//! tells since when the shard waits; a shard without such a record waits for nothing, however long it has been idle. So
//! the earliest of these records, or else the time of the run, is the instant. Nothing is derived from the clocks of
//! ingest, or from the time that anything should take.
//!
//! An event that reached a sealed rollup is counted once its day is recomputed. Until then its organization is held back.

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

/// How much earlier than its first waiting record a shard is said to be complete. DynamoDB states the time of a record
/// only approximately, and shows it in the stream a moment after it was stored.
const MARGIN: TimeDelta = TimeDelta::seconds(10);
/// How long an instant is kept back, since figures are read eventually consistently: longer than a replica lags behind.
const REPLICATION: Duration = Duration::from_secs(2);
/// Shards that are read at once.
const IN_FLIGHT: usize = 8;
/// The most organizations that are held back, since the item that names them is limited. With more, all stay where they are.
const MAX_HELD: usize = 1_000;

/// The function.
#[derive(Clone, Debug)]
pub struct Completeness {
    tables: Tables,
    streams: Streams,
    clock: Clock,
}

/// What a run found.
#[derive(Clone, Debug, Default, Serialize)]
struct Report {
    /// Every event that was accepted before it is counted.
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

    /// Finds the instant and stores it. Returns a report.
    ///
    /// # Errors
    ///
    /// The streams or the table cannot be read. What is stored stays true.
    pub async fn handle(&self) -> Result<Value, lambda_runtime::Error> {
        let usage = &self.tables.usage;
        // Before anything is read: what is stored from now on may be missed.
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
        // Collected first, since the compiler cannot tell that a closure in a stream is general enough.
        let firsts = streams::iter(firsts.collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT);
        let waiting: Vec<Option<DateTime<Utc>>> = firsts.try_collect().await?;
        let since = waiting.iter().flatten().min().copied();
        let through = since.map_or(now, |since| now.min(since)) - MARGIN;
        // After the positions: days are marked as dirty before the position of their events is noted.
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
