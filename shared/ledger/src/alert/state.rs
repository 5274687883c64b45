//! What was decided of one budget this month.

use serde::{Deserialize, Serialize};

use super::{AlertKey, BudgetId, Kind};
use crate::money::Usd;
use crate::period::Month;

/// The most decisions that are remembered of a budget: two kinds of ten thresholds, and as many of earlier versions
/// that still hold. Older ones are forgotten first, and then never taken back.
pub const MAX_DECIDED: usize = 40;

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The version of the budget.
    pub version: String,
    /// What it came to then.
    pub budget: Usd,
    /// What was held against it.
    pub kind: Kind,
    /// In percent.
    pub threshold: u32,
    /// Whether it is told; else it was superseded.
    pub told: bool,
}

/// What was decided of one budget in one month. It saves reading the alerts themselves: they are what counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossed {
    /// The month; of another one nothing has been decided yet.
    pub month: Month,
    /// Oldest first.
    pub decided: Vec<Decided>,
}

impl Decided {
    /// The alert about it.
    pub fn key(&self, budget: &BudgetId, month: Month) -> AlertKey {
        AlertKey {
            budget: budget.clone(),
            version: self.version.clone(),
            month,
            kind: self.kind,
            threshold: self.threshold,
            resolved: false,
        }
    }
}
