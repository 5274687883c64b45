//! Own prices that change between requests: an event is priced by every change that was answered before its request.
//!
//! All changes concern one model of one organization. The nth is in force from the nth day of a calendar long ago, and of
//! the prices in force the one from the latest day holds, so the change that priced an event can be read from its row.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use ledger::event::{Data, Event};
use serde_json::{Value, json};

use super::CheckResult;
use super::messages::ORGS;
use super::wire::Process;

/// The organization whose prices change, by its index in [`ORGS`].
pub const ORG: usize = 0;
const PROVIDER: &str = "acme";
const MODEL: &str = "in-house-1";

/// The changes so far.
#[derive(Default)]
pub struct PriceChanges {
    /// How many were requested.
    requested: u64,
    /// The last that was answered.
    answered: u64,
    /// The change that each process is asked for.
    by_process: BTreeMap<Process, u64>,
    /// For each process of ingest, the last change that was answered before its request.
    known: BTreeMap<Process, u64>,
}

fn day(nth: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + Days::new(nth)
}

impl PriceChanges {
    /// The path and the body of the next change, which `process` is asked for.
    pub fn request(&mut self, process: Process) -> (String, Value) {
        self.requested += 1;
        self.by_process.insert(process, self.requested);
        let price = self.requested;
        let body = json!({
            "effectiveFrom": day(self.requested).to_string(), "inputPricePerMillion": price,
            "outputPricePerMillion": price, "cacheReadPricePerMillion": price, "cacheWrite5mPricePerMillion": price,
            "cacheWrite1hPricePerMillion": price,
        });
        (format!("/api/cost-analysis/pricing/{PROVIDER}/{MODEL}"), body)
    }

    /// Records that a process has answered, with success.
    pub fn answered(&mut self, process: Process) {
        let change = self.by_process.get(&process).copied().unwrap_or_default();
        self.answered = self.answered.max(change);
    }

    /// Records that a process of ingest gets a request.
    pub fn ingest(&mut self, process: Process) {
        self.known.insert(process, self.answered);
    }

    /// Compares the price of an event that a process has stored with the changes that it had to know.
    pub fn check(&self, process: Process, event: &Event) -> CheckResult {
        let Data::LlmCall(call) = &event.data else { return Ok(()) };
        if event.org.as_str() != ORGS[ORG].0
            || (call.provider.as_str(), call.model.as_str()) != (PROVIDER, MODEL)
        {
            return Ok(());
        }
        let row = call.cost.row.as_deref().unwrap_or_default();
        let known = self.known.get(&process).copied().unwrap_or_default();
        let holds = |nth: u64| row.ends_with(&format!("@{}+org", day(nth)));
        // Without an own price the model has none.
        if (known.max(1)..=self.requested).any(holds) || (known == 0 && !row.contains("+org")) {
            return Ok(());
        }
        Err(format!("p{process} priced {event:?} by {row:?}, although change {known} had been answered"))
    }
}
