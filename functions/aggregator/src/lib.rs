//! Adding up: what the stream of raw events brings becomes sums, each event once, to the last digit.

mod apply;
mod aside;
mod batch;
mod progress;
mod record;

use lambda_runtime::Error;
use runtime::metrics::Metric;
use serde::Serialize;
use serde_json::Value;
use store::Store;

use apply::Applier;
use batch::Batch;

/// The aggregator, which keeps in memory what it knows the tables to hold already.
pub struct Aggregator {
    applier: Applier,
}

/// What Lambda is told: the window's state, which is always empty since no money lives in it, and where to begin
/// anew.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    state: serde_json::Map<String, Value>,
    batch_item_failures: Vec<Failure>,
}

/// The first record that has to be delivered again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Aggregator {
    /// An aggregator over the tables of `store`.
    pub fn new(store: Store) -> Self {
        Self { applier: Applier::new(store) }
    }

    /// Adds up one delivery of stream records, given and answered as Lambda does it.
    ///
    /// # Errors
    ///
    /// An event that lacks its shard: the mapping is then set up wrongly, and nothing may be added up.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        let batch = Batch::read(&event).inspect_err(|_| Metric::FailedBatches.count(1))?;
        Metric::Records.count(batch.records.len());
        let first_failed = self.applier.apply(&batch).await;
        Metric::FailedBatches.count(usize::from(first_failed.is_some()));
        let batch_item_failures =
            first_failed.map(|record| Failure { item_identifier: record.to_owned() }).into_iter().collect();
        Ok(serde_json::to_value(Answer { batch_item_failures, ..Answer::default() })?)
    }
}
