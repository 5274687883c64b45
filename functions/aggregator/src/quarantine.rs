//! Quarantines records that cannot be aggregated, so that the shard can go on.

use runtime::metrics::Metric;
use store::Usage;
use store::quarantine::QuarantineRecord;
use tokio::sync::Mutex;

use crate::delivery::Delivery;

/// Writes records to the quarantine.
pub struct Quarantine {
    usage: Usage,
    /// All entries share one summary item; the lock keeps this process from conflicting with itself.
    turn: Mutex<()>,
}

impl Quarantine {
    pub fn new(usage: Usage) -> Self {
        Self { usage, turn: Mutex::default() }
    }

    /// Quarantines records of a delivery, each given by its index and the reason. Returns the first index if that
    /// fails.
    pub async fn put(&self, delivery: &Delivery<'_>, records: &[(usize, &str)]) -> Option<usize> {
        let (first, _) = records.first()?;
        let entries = records.iter().map(|(index, reason)| {
            let record = &delivery.records[*index];
            let raw = serde_json::from_str(record.raw.get()).unwrap_or_default();
            QuarantineRecord::new(&delivery.mark, &record.sequence_text, &raw, reason)
        });
        let entries: Vec<_> = entries.collect();
        let _turn = self.turn.lock().await;
        // Records may contain anything, and reasons may quote them, so only the position in the shard is logged.
        let (shard, sequence_number) = (&delivery.mark, delivery.sequence_text(*first));
        match self.usage.quarantine(&entries).await {
            Ok(()) => {
                Metric::Quarantined.count(entries.len());
                tracing::error!(records = entries.len(), shard, sequence_number, "records were quarantined");
                None
            }
            Err(error) => {
                tracing::error!(%error, shard, sequence_number, "failed to quarantine records");
                Some(*first)
            }
        }
    }
}
