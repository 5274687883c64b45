//! Watching budgets: who comes near or over theirs is told once.

pub mod topic;

use std::time::Duration;

use lambda_runtime::Error;
use serde_json::Value;
use shared::app::Clock;
use shared::store::Store;

/// The function.
pub struct BudgetAlerts {
    _store: Store,
    _clock: Clock,
}

impl BudgetAlerts {
    /// Watches the budgets in the tables of `store`.
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { _store: store, _clock: clock }
    }

    /// One run, within `time_left`.
    #[allow(clippy::unused_async, reason = "for now")]
    pub async fn handle(&self, event: Value, _time_left: Duration) -> Result<Value, Error> {
        Ok(event)
    }
}
