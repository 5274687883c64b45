//! The threshold crossings of a budget in one month.

use serde::{Deserialize, Serialize};

use super::{AlertKey, AlertKind, BudgetId};
use crate::money::Usd;
use crate::period::Month;

/// The most crossings kept per budget: two kinds of ten thresholds, and as many of earlier versions that still apply.
/// The oldest are dropped first, and are then never resolved.
pub const MAX_CROSSINGS: usize = 40;

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// The version of the budget at the time.
    pub version: String,
    /// The amount of the budget at the time.
    pub budget: Usd,
    /// The figure that was compared with it.
    pub kind: AlertKind,
    /// In percent of the budget.
    pub threshold: u32,
    /// Whether its alert is sent. Otherwise the alert is superseded by that of a higher threshold. Stored as `told`.
    #[serde(rename = "told")]
    pub notified: bool,
}

/// The crossings of one budget in one month. A cache that saves reading the alerts, which are authoritative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthCrossings {
    /// The month of the crossings. In any other month, no threshold has been crossed yet.
    pub month: Month,
    /// Oldest first. Stored as `decided`.
    #[serde(rename = "decided")]
    pub crossings: Vec<Crossing>,
}

impl Crossing {
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

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn the_stored_form_of_crossings_never_changes() {
        let crossing = Crossing {
            version: "v".to_owned(),
            budget: Usd::new(Decimal::ONE_HUNDRED),
            kind: AlertKind::Actual,
            threshold: 80,
            notified: true,
        };
        let crossings = MonthCrossings { month: Month::parse("2026-09").unwrap(), crossings: vec![crossing] };
        let stored = concat!(
            r#"{"month":"2026-09-01","decided":[{"version":"v","budget":"100.00","kind":"actual","#,
            r#""threshold":80,"told":true}]}"#
        );
        assert_eq!(serde_json::to_string(&crossings).unwrap(), stored);
        assert_eq!(serde_json::from_str::<MonthCrossings>(stored).unwrap(), crossings);
    }
}
