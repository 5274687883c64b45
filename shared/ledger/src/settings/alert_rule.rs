//! Alert rules: what an organization is notified of beside its budgets.

use std::fmt;

use chrono::Datelike;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{Label, Name};
use crate::money::Usd;
use crate::period::{Day, DayRange};

/// The maximum number of rules per organization: each is evaluated in every run.
pub const MAX_ALERT_RULES: usize = 50;
/// The most days that a mean is taken of.
pub const MAX_MEAN_DAYS: u32 = 28;

/// The settings of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRuleSettings {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// What it counts; none: the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<AlertScope>,
    /// When it notifies.
    pub condition: AlertCondition,
}

/// A value of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertScope {
    /// The dimension.
    pub dimension: AlertDimension,
    /// The value.
    pub value: Label,
}

/// The dimensions that rollups tell apart. A rule on another one would have to read raw events in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertDimension {
    /// The agent.
    Agent,
    /// The department that the agent is registered for.
    Department,
    /// The model.
    Model,
    /// The provider.
    Provider,
}

/// When a rule notifies, once in each of its periods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertCondition {
    /// The cost of a period reaches an amount.
    Limit {
        /// The length of the period.
        period: AlertPeriod,
        /// The amount.
        amount: Usd,
    },
    /// The cost of a day is more than a multiple of the mean of the days before, and more than a minimum.
    Spike {
        /// The multiple, in percent.
        factor_percent: u32,
        /// The days of the mean. Days without cost count; an organization with fewer days of use has no mean.
        days: u32,
        /// The minimum.
        minimum: Usd,
    },
    /// Calls of a day have no price.
    Unpriced {
        /// This many at least.
        requests: u64,
    },
}

/// The length of a period: a day, a week from Monday on, or a month, in the organization's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertPeriod {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

impl AlertPeriod {
    /// The period that a day is in.
    pub fn of(self, day: Day) -> DayRange {
        match self {
            Self::Day => DayRange { first: day, last: day },
            Self::Week => {
                let first = day.minus(day.date().weekday().num_days_from_monday());
                let last = (0..6).fold(first, |day, _| day.next());
                DayRange { first, last }
            }
            Self::Month => DayRange::of_month(day.month()),
        }
    }
}

impl AlertCondition {
    /// The type in messages.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "limit",
            Self::Spike { .. } => "spike",
            Self::Unpriced { .. } => "unpriced",
        }
    }

    /// The period of a day that the condition is about.
    pub fn period(&self, today: Day) -> DayRange {
        match self {
            Self::Limit { period, .. } => period.of(today),
            Self::Spike { .. } | Self::Unpriced { .. } => AlertPeriod::Day.of(today),
        }
    }
}

/// Whether a day's cost is more than `factor_percent` of the mean of `days` days that cost `before` together, and more than
/// a minimum. Nothing is divided, so nothing is rounded.
pub fn is_spike(today: Usd, before: Usd, factor_percent: u32, days: u32, minimum: Usd) -> bool {
    let scaled = |amount: Usd, factor: u64| amount.dollars().checked_mul(Decimal::from(factor));
    let above = scaled(today, 100 * u64::from(days)).zip(scaled(before, factor_percent.into()));
    today > minimum && above.is_some_and(|(today, before)| today > before)
}

impl fmt::Display for AlertScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dimension = match self.dimension {
            AlertDimension::Agent => "agent",
            AlertDimension::Department => "department",
            AlertDimension::Model => "model",
            AlertDimension::Provider => "provider",
        };
        write!(f, "the {dimension} {}", self.value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_week_begins_on_monday() {
        let week = |day: &str| {
            let DayRange { first, last } = AlertPeriod::Week.of(Day::parse(day).unwrap());
            format!("{first} {last}")
        };
        assert_eq!(week("2026-09-14"), "2026-09-14 2026-09-20");
        assert_eq!(week("2026-09-20"), "2026-09-14 2026-09-20");
        assert_eq!(week("2026-03-01"), "2026-02-23 2026-03-01");
    }

    #[test]
    fn the_stored_form_of_rules_never_changes() {
        let rule = AlertRuleSettings {
            name: None,
            scope: Some(AlertScope {
                dimension: AlertDimension::Model,
                value: Label::new("gpt-4o").unwrap(),
            }),
            condition: AlertCondition::Spike {
                factor_percent: 300,
                days: 7,
                minimum: Usd::new(Decimal::TEN),
            },
        };
        let stored = concat!(
            r#"{"scope":{"dimension":"model","value":"gpt-4o"},"#,
            r#""condition":{"spike":{"factor_percent":300,"days":7,"minimum":"10.00"}}}"#
        );
        assert_eq!(serde_json::to_string(&rule).unwrap(), stored);
        assert_eq!(serde_json::from_str::<AlertRuleSettings>(stored).unwrap(), rule);
    }

    proptest! {
        #[test]
        fn a_spike_is_more_than_the_multiple_of_the_mean(
            today in 0_i64..100_000, before in 0_i64..100_000, factor in 100_u32..1_000, days in 1_u32..=28,
        ) {
            let usd = |cents| Usd::new(Decimal::new(cents, 2));
            let is_more = i128::from(today) * i128::from(days) * 100 > i128::from(before) * i128::from(factor);
            let found = is_spike(usd(today), usd(before), factor, days, Usd::ZERO);
            prop_assert_eq!(found, is_more && today > 0);
            prop_assert!(!is_spike(usd(today), usd(before), factor, days, usd(today)));
        }
    }
}
