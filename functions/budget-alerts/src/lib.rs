//! Budget alerts: a scheduled run compares every budget with its month-to-date and forecast cost.
//!
//! Each run visits every organization and, for each, finds its budgets and what was spent, decides which thresholds
//! were crossed since the last run, marks that as decided, and notifies the channels: of the new alerts and of those
//! that earlier runs could not deliver. The module `watch` reads as that sentence. Each of the modules uses only those
//! above it:
//!
//! | module | |
//! |---|---|
//! | `budgets` | the budgets of an organization, and what was decided about each this month |
//! | `forecast` | what a month is likely to cost |
//! | `spending` | reads daily costs, and adds them up per budget |
//! | `thresholds` | the rules: which thresholds are crossed, superseded or resolved |
//! | `evaluation` | applies the rules to every budget |
//! | `rule_costs`, `rules` | what rules count, and which of them hold |
//! | `recent` | the costs of the last 24 hours, which a message breaks down |
//! | `message` | the JSON of an alert |
//! | `decision` | what is stored of an evaluation, once |
//! | `topic`, `channels` | a single attempt to send an alert |
//! | `claim`, `deliver` | which alerts are sent in this run, and what came of it |
//! | `watch`, `run` | one organization; all of them |
//!
//! What the fields of a message mean is stated in [`ledger::alert::Message`], and when a failed delivery is retried in
//! [`ledger::alert::Delivery`].
//!
//! - A failing organization stops no other, and a slow channel delays only its own alerts. A run ends in an error if
//!   any organization failed or was not reached. A failing webhook is no such error: it is retried, counted, and shown
//!   in the list of alerts.
//! - Organizations that a run does not reach come first in the next.
//! - Two runs at the same time never decide the same thing twice. They may deliver the same alert twice, with the same
//!   id and bytes: an alert that a run has claimed is left alone by others until that run is over.

mod budgets;
mod channels;
mod claim;
mod deadline;
mod decision;
mod deliver;
mod evaluation;
mod forecast;
mod message;
pub mod metrics;
mod organization;
mod recent;
mod rule_costs;
mod rules;
mod run;
mod services;
mod spending;
mod thresholds;
pub mod topic;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::Error;
use runtime::clock::Clock;
use serde_json::Value;
use store::{Events, Registry, Usage};

pub use channels::{Channels, Printer};
use run::Run;
use services::Services;

runtime::tables!(events: Events, usage: Usage, registry: Registry; warm registry);

/// The most failed organizations that an error names.
const MAX_NAMED: usize = 20;

/// The function.
pub struct BudgetAlerts {
    services: Arc<Services>,
}

impl BudgetAlerts {
    /// Watches the budgets in `tables`, and sends alerts to `channels`.
    pub fn new(tables: Tables, clock: Clock, channels: Channels) -> Self {
        Self { services: Arc::new(Services::new(tables, clock, channels)) }
    }

    /// Makes one run within `time_left`, and returns its [`metrics::Counts`]. The event's content is ignored.
    ///
    /// # Errors
    ///
    /// Names the organizations that failed, and says how many the run did not reach.
    pub async fn handle(&self, _event: Value, time_left: Duration) -> Result<Value, Error> {
        let mut run = Run::new(self.services.clone(), time_left);
        let completed = run.complete().await;
        metrics::emit(&run.counts);
        completed?;
        let faults = faults(&run);
        if faults.is_empty() { Ok(serde_json::to_value(run.counts)?) } else { Err(faults.join("; ").into()) }
    }
}

fn faults(run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    if !run.failures.is_empty() {
        let named: Vec<_> =
            run.failures.iter().take(MAX_NAMED).map(|(name, fault)| format!("{name} ({fault})")).collect();
        let more = if run.failures.len() > MAX_NAMED { ", …" } else { "" };
        faults.push(format!("{} organizations failed: {}{more}", run.failures.len(), named.join(", ")));
    }
    if run.counts.left > 0 {
        faults.push(format!("no time was left for {} organizations", run.counts.left));
    }
    faults
}
