//! What DynamoDB does by itself and the embedded engine has to be told to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shared::app::Clock;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::aws::engine::Engine;
use crate::error::Result;
use crate::aws::stream::StreamPoller;
use crate::aws::tables;

/// How often the streams are trimmed.
const TRIM_EVERY: Duration = Duration::from_secs(30);
/// Every how many trims expired items are deleted.
const SWEEP_EVERY: u32 = 10;
/// How far the business clock may be from the real one before it counts as another time.
const SAME_TIME: chrono::Duration = chrono::Duration::minutes(5);

/// Keeps house until told to stop.
pub async fn run(engine: Arc<Engine>, pollers: Arc<Vec<StreamPoller>>, clock: Clock, mut stop: watch::Receiver<bool>) {
    for round in 1_u32.. {
        if timeout(TRIM_EVERY, stop.changed()).await.is_ok() {
            return;
        }
        if let Err(error) = trim(&engine, &pollers).await {
            tracing::warn!(%error, "the stream was not trimmed");
        }
        // Items expire by the real clock. Where the stack lives in another time, they would go too early.
        let same_time = (clock.now() - Clock::system().now()).abs() < SAME_TIME;
        if same_time
            && round.is_multiple_of(SWEEP_EVERY)
            && let Err(error) = engine.sweep_expired().await
        {
            tracing::warn!(%error, "expired items were not deleted");
        }
    }
}

/// Forgets the stream records that every function has done with.
async fn trim(engine: &Engine, pollers: &[StreamPoller]) -> Result<()> {
    let mut done = BTreeMap::<(String, String), Vec<String>>::new();
    for poller in pollers {
        for (shard, through) in poller.positions().await {
            done.entry((poller.table().to_owned(), shard)).or_default().push(through);
        }
    }
    for ((table, shard), through) in done {
        let readers = pollers.iter().filter(|poller| poller.table() == table).count();
        // The engine's numbers all have the same length, so that their texts sort like them.
        if let Some(slowest) = through.iter().min().filter(|_| through.len() == readers) {
            engine.file().trim_stream(&tables::table_name(&table), &shard, slowest).await?;
        }
    }
    Ok(())
}
