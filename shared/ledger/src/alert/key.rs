//! The key of an alert: budget, version of the budget, month, kind and threshold.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{AgentId, Name};
use crate::period::{Day, Month};
use crate::settings::BudgetSettings;

/// Identifies a budget within an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetId {
    /// The budget of the organization itself.
    Organization,
    /// The budget of an agent.
    Agent(AgentId),
    /// A rule, which is no budget but is decided about like one.
    Rule(Name),
}

/// The figure that an alert compares with a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The month-to-date cost.
    Actual,
    /// The forecast cost of the whole month.
    Forecast,
    /// The cost of a day, compared with the days before.
    Spike,
    /// The calls of a day without a price.
    Unpriced,
}

impl AlertKind {
    /// The text of the kind in keys and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Forecast => "forecast",
            Self::Spike => "spike",
            Self::Unpriced => "unpriced",
        }
    }

    /// The kind with this text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Actual, Self::Forecast, Self::Spike, Self::Unpriced]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// The version of a budget: a hash of its thresholds, whether forecasts count, and `token`, which is renewed whenever
/// the amount changes.
///
/// The amount itself is not hashed: a budget that is raised and then lowered to the old amount gets a new version,
/// because its alerts were resolved in between and must be able to fire again.
pub fn budget_version(token: &str, rules: &BudgetSettings) -> String {
    let mut hash = Sha256::new();
    hash.update(token);
    hash.update([0, u8::from(rules.forecast)]);
    for threshold in &rules.thresholds {
        hash.update(threshold.to_be_bytes());
    }
    BASE64.encode(&hash.finalize()[..12])
}

/// The version of a rule in one of its periods: a hash of `token`, which is renewed whenever the rule changes, and of the
/// first day of the period, so that it notifies once in each.
pub fn rule_version(token: &str, first: Day) -> String {
    let mut hash = Sha256::new();
    hash.update(token);
    hash.update([0]);
    hash.update(first.to_string());
    BASE64.encode(&hash.finalize()[..12])
}

/// Identifies an alert within its organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertKey {
    /// The budget that the alert is about.
    pub budget: BudgetId,
    /// The [`budget_version`] of that budget.
    pub version: String,
    /// The month whose cost is compared with the budget.
    pub month: Month,
    /// The figure that is compared with the budget.
    pub kind: AlertKind,
    /// In percent of the budget.
    pub threshold: u32,
    /// Whether this alert resolves the one that the other fields identify.
    pub resolved: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_depends_on_token_thresholds_and_forecast() {
        let rules = BudgetSettings::default();
        let other = |change: fn(&mut BudgetSettings)| {
            let mut rules = BudgetSettings::default();
            change(&mut rules);
            budget_version("a", &rules)
        };
        let all = [
            budget_version("a", &rules),
            budget_version("b", &rules),
            other(|rules| rules.thresholds = vec![50, 80]),
            other(|rules| rules.thresholds = vec![50, 80, 100, 120]),
            other(|rules| rules.forecast = false),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // A change of the amount shows in the token, not in the rules.
        assert_eq!(budget_version("a", &rules), other(|rules| rules.monthly = Some(crate::money::Usd::ZERO)));
    }
}
