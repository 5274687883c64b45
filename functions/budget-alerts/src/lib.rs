//! Watching budgets: who comes near or over theirs is told once.
//!
//! Each run looks at every organisation that any event or setting is known of, decides which thresholds its budget and
//! its agents' budgets have reached since the last run, and delivers what was decided now or is left from earlier runs.
//! The rules are written down where they are kept to: what counts as crossed in [`ledger::alert`], what is told and
//! what taken back in `judge`, forecasts in `forecast`, what a message says in [`ledger::alert::Message`], and when it
//! is tried again in [`ledger::alert::Delivery`].
//!
//! - One organisation that fails stops no other, and one outlet that is slow delays its own messages only. A run ends in
//!   an error if any organisation failed or was not reached. A webhook that fails is no such error: it is tried again,
//!   is counted, and shows in the list of alerts.
//! - What time does not suffice for is left to the next run, which begins with it.
//! - Two runs at once never decide the same twice. They may deliver the same twice, with the same id and bytes: what a
//!   run has taken is left alone by others until that run is over.

mod deliver;
mod forecast;
mod judge;
mod lately;
mod look;
pub mod metrics;
mod outlets;
mod run;
mod spending;
mod subjects;
mod tell;
mod time;
mod top;
pub mod topic;

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::Error;
use runtime::clock::Clock;
use serde_json::Value;
use store::Store;

pub use outlets::{Outlets, Printer};
use run::{Run, Tools};

/// The most organisations that an error names.
const NAMED: usize = 20;

/// The function.
pub struct BudgetAlerts {
    tools: Arc<Tools>,
}

impl BudgetAlerts {
    /// Watches the budgets in the tables of `store`, by `clock`, and tells `outlets`.
    pub fn new(store: Store, clock: Clock, outlets: Outlets) -> Self {
        Self { tools: Arc::new(Tools::new(store, clock, outlets)) }
    }

    /// One run, within `time_left`, and what it came to: [`metrics::Counts`]. What the event says does not matter.
    ///
    /// # Errors
    ///
    /// Organisations that failed, by name, and how many the time did not suffice for.
    pub async fn handle(&self, _event: Value, time_left: Duration) -> Result<Value, Error> {
        let mut run = Run::new(self.tools.clone(), time_left);
        let gone = run.go().await;
        metrics::emit(&run.counts);
        gone?;
        let faults = faults(&run);
        if faults.is_empty() { Ok(serde_json::to_value(run.counts)?) } else { Err(faults.join("; ").into()) }
    }
}

fn faults(run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    if !run.failures.is_empty() {
        let named: Vec<_> =
            run.failures.iter().take(NAMED).map(|(name, fault)| format!("{name} ({fault})")).collect();
        let more = if run.failures.len() > NAMED { ", …" } else { "" };
        faults.push(format!("{} organisations failed: {}{more}", run.failures.len(), named.join(", ")));
    }
    if run.counts.left > 0 {
        faults.push(format!("the time did not suffice for {} organisations", run.counts.left));
    }
    faults
}
