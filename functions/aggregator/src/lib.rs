//! The aggregator: adds the events that the stream delivers to the rollups, each exactly once.
//!
//! Each rollup item stores a mark per stream shard, the sequence number up to which it contains the shard's records. An
//! update is conditional on that mark, so a delivery that is repeated changes nothing. Agents' days are appended to chains
//! of pages, whose marks do the same. A record that cannot be added is
//! quarantined, so that the shard goes on. Whatever fails is reported to Lambda, which delivers again from the first
//! failed record on.

mod apply;
mod cache;
mod calendars;
mod delivery;
mod progress;
mod quarantine;
mod record;
mod updates;

use lambda_runtime::Error;
use runtime::clock::Clock;
use runtime::metrics::Metric;
use serde::Serialize;
use serde_json::Value;
use store::usage::FULL_KILOBYTES;
use store::{Registry, Usage};

use apply::Applier;
use delivery::Delivery;

runtime::tables!(usage: Usage, registry: Registry);

/// The function. It remembers what it has stored of end users and of the registry, to save writes.
pub struct Aggregator {
    applier: Applier,
}

/// The response to Lambda. The window's state is always empty, since it could be lost: everything is in the tables.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    state: serde_json::Map<String, Value>,
    batch_item_failures: Vec<BatchItemFailure>,
}

/// The first record that has to be delivered again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

impl Aggregator {
    /// Aggregates into `tables`.
    pub fn new(tables: Tables, clock: Clock) -> Self {
        Self::with_item_length(tables, clock, FULL_KILOBYTES)
    }

    /// Aggregates into `tables`, whose items get no new columns from this length on.
    pub fn with_item_length(tables: Tables, clock: Clock, kilobytes: u64) -> Self {
        Self { applier: Applier::new(tables, clock, kilobytes) }
    }

    /// Like [`Self::handle_json`], for an event that was parsed.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        self.handle_json(&event.to_string()).await
    }

    /// Aggregates one delivery of stream records. Takes the event of Lambda and returns the response that it expects.
    ///
    /// # Errors
    ///
    /// An event without a shard. The event source mapping is then misconfigured, and nothing is aggregated.
    pub async fn handle_json(&self, event: &str) -> Result<Value, Error> {
        let delivery = Delivery::read(event).inspect_err(|_| Metric::FailedBatches.count(1))?;
        Metric::Records.count(delivery.records.len());
        let first_failed = self.applier.apply(&delivery).await;
        Metric::FailedBatches.count(usize::from(first_failed.is_some()));
        let failure = first_failed.map(|record| BatchItemFailure { item_identifier: record.to_owned() });
        let batch_item_failures = failure.into_iter().collect();
        Ok(serde_json::to_value(Response { batch_item_failures, ..Response::default() })?)
    }
}
