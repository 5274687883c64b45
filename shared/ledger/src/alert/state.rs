//! The threshold crossings of a budget in one month.

use serde::{Deserialize, Serialize};

use super::{AlertKey, AlertKind, BudgetId};
use crate::money::Usd;
use crate::period::Month;

/// The most crossings kept per budget: two kinds of ten thresholds, and as many of earlier versions that still apply.
/// The oldest are dropped first, and are then never resolved.
pub const MAX_DECIDED: usize = 40;

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The version of the budget at the time.
    pub version: String,
    /// The amount of the budget at the time.
    pub budget: Usd,
    /// The figure that was compared with it.
    pub kind: AlertKind,
    /// In percent of the budget.
    pub threshold: u32,
    /// Whether its alert is sent. Otherwise the alert is superseded by that of a higher threshold.
    pub told: bool,
}

/// The crossings of one budget in one month. A cache that saves reading the alerts, which are authoritative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossed {
    /// The month of the crossings. In any other month, no threshold has been crossed yet.
    pub month: Month,
    /// Oldest first.
    pub decided: Vec<Decided>,
}

impl Decided {
    /// The key of the alert about this crossing.
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
