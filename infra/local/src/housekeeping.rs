//! What DynamoDB does by itself and the embedded engine has to be told to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::clock::Clock;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::error::Result;
use crate::pump::Pump;
use crate::tables;

/// How often the streams are trimmed.
const TRIM_EVERY: Duration = Duration::from_secs(30);
/// Every how many trims expired items are deleted.
const SWEEP_EVERY: u32 = 10;
/// How far the business clock may be from the real one before it counts as another time.
const SAME_TIME: chrono::Duration = chrono::Duration::minutes(5);

/// Keeps house until told to stop.
pub async fn run(engine: Arc<Engine>, pumps: Arc<Vec<Pump>>, clock: Clock, mut stop: watch::Receiver<bool>) {
    for round in 1_u32.. {
        if timeout(TRIM_EVERY, stop.changed()).await.is_ok() {
            return;
        }
        if let Err(error) = trim(&engine, &pumps).await {
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
async fn trim(engine: &Engine, pumps: &[Pump]) -> Result<()> {
    let mut done = BTreeMap::<(String, String), Vec<String>>::new();
    for pump in pumps {
        for (shard, through) in pump.positions().await {
            done.entry((pump.table().to_owned(), shard)).or_default().push(through);
        }
    }
    for ((table, shard), through) in done {
        let readers = pumps.iter().filter(|pump| pump.table() == table).count();
        // The engine's numbers all have the same length, so that their texts sort like them.
        if let Some(slowest) = through.iter().min().filter(|_| through.len() == readers) {
            engine.file().trim_stream(&tables::table_name(&table), &shard, slowest).await?;
        }
    }
    Ok(())
}
