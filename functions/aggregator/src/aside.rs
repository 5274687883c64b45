//! Putting records aside that cannot be counted, so that the shard can go on.

use runtime::metrics::Metric;
use store::Store;
use store::quarantine::Aside;
use tokio::sync::Mutex;

use crate::batch::Batch;

/// The way into the quarantine.
pub struct PuttingAside {
    store: Store,
    /// All entries share one summary: one process at least does not come in its own way.
    turn: Mutex<()>,
}

impl PuttingAside {
    /// Puts into the quarantine of `store`.
    pub fn new(store: Store) -> Self {
        Self { store, turn: Mutex::default() }
    }

    /// Keeps these records of a delivery, each given by its index and the reason. The first index, if that fails.
    pub async fn put(&self, batch: &Batch<'_>, records: &[(usize, &str)]) -> Option<usize> {
        let (first, _) = records.first()?;
        let aside = records.iter().map(|(index, reason)| {
            let record = &batch.records[*index];
            Aside::new(&batch.mark, record.sequence_text, record.raw, reason)
        });
        let aside: Vec<_> = aside.collect();
        let _turn = self.turn.lock().await;
        // The records may hold anything, and the reasons may quote them, so only their place is logged.
        let (shard, sequence_number) = (&batch.mark, batch.sequence_text(*first));
        match self.store.quarantine(&aside).await {
            Ok(()) => {
                Metric::Quarantined.count(aside.len());
                tracing::error!(records = aside.len(), shard, sequence_number, "records were quarantined");
                None
            }
            Err(error) => {
                tracing::error!(%error, shard, sequence_number, "records could not be quarantined");
                Some(*first)
            }
        }
    }
}
