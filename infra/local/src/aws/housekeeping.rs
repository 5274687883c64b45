//! Maintenance that DynamoDB does by itself but the embedded engine does not: trimming streams and expiring items.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::clock::Clock;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::aws::engine::Engine;
use crate::aws::stream::StreamPoller;
use crate::aws::tables;
use crate::error::Result;

const TRIM_EVERY: Duration = Duration::from_secs(30);
/// Expired items are deleted after every so many trims.
const SWEEP_EVERY: u32 = 10;
/// How far the business clock may differ from the real one before the two count as different times.
const SAME_TIME: chrono::Duration = chrono::Duration::minutes(5);

/// Runs until told to stop.
pub async fn run(
    engine: Arc<Engine>,
    pollers: Arc<Vec<StreamPoller>>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    for round in 1_u32.. {
        if timeout(TRIM_EVERY, stop.changed()).await.is_ok() {
            return;
        }
        if let Err(error) = trim(&engine, &pollers).await {
            tracing::warn!(%error, "cannot trim the streams");
        }
        // The engine expires items by the real clock. With a business clock in the past that would be too early.
        let same_time = (clock.now() - Clock::system().now()).abs() < SAME_TIME;
        if same_time
            && round.is_multiple_of(SWEEP_EVERY)
            && let Err(error) = engine.sweep_expired().await
        {
            tracing::warn!(%error, "cannot delete expired items");
        }
    }
}

/// Deletes the stream records that every function has processed.
async fn trim(engine: &Engine, pollers: &[StreamPoller]) -> Result<()> {
    let mut processed = BTreeMap::<(String, String), Vec<String>>::new();
    for poller in pollers {
        for (shard, through) in poller.positions().await {
            processed.entry((poller.table().to_owned(), shard)).or_default().push(through);
        }
    }
    for ((table, shard), through) in processed {
        let readers = pollers.iter().filter(|poller| poller.table() == table).count();
        // The engine's sequence numbers all have the same length, so they sort as text.
        if let Some(slowest) = through.iter().min().filter(|_| through.len() == readers) {
            engine.file().trim_stream(&tables::table_name(&table), &shard, slowest).await?;
        }
    }
    Ok(())
}
