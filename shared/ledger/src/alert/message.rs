//! The message of an alert: the JSON that webhooks and the topic carry, and that the list of alerts is built from.
//!
//! | field | |
//! |---|---|
//! | `type` | `budget.threshold_crossed`, or `budget.resolved`: the budget was raised or removed, and the alerts in `resolves` no longer apply; or `rule.triggered`: the condition of an alert rule holds |
//! | `version` | 1. Adding a field keeps it; removing a field or changing its meaning increments it |
//! | `timestamp` | the time at which the figures were read: RFC 3339 in UTC |
//! | `data` | an object with the fields below |
//! | `id` | the id of the alert: the same in every retry, and equal to `webhook-id` |
//! | `summary` | one sentence for people |
//! | `organization` | `id`, and `name` or null |
//! | `subject` | the owner of the budget: `type` `organization` or `agent`, `id`, and `name` or null. For a rule: `type` `rule`, its `id`, and its `name` or null |
//! | `kind` | the figure that reached the threshold: `actual`, the month-to-date cost, or `forecast`, the forecast cost of the month. For a rule: `actual`, `spike` or `unpriced`. In `budget.resolved`, the kind of the first entry of `resolves` |
//! | `threshold_percent` | the threshold in percent of the budget. In `budget.resolved`, that of the first entry of `resolves` |
//! | `also_crossed_percent` | lower thresholds that were reached at the same time and have no message of their own |
//! | `budget` | the budget for the month, or the amount of a rule; null if it was removed, or if the rule has none |
//! | `cost` | the month-to-date cost, or that of the rule's period |
//! | `utilization_percent` | `cost` ÷ `budget` × 100, rounded half-even to one decimal; 0 without a budget |
//! | `forecast` | null until the subject has seven full days of history. Otherwise the `cost` of the whole month, `utilization_percent`, `days_left` after today, and the `basis`: the days `from` and `to` (both included), the number of `days`, and their `mean_daily_cost`, rounded half-even to 12 decimals |
//! | `period` | `month`, `time_zone`, and the instants `start` (included) and `end` (excluded) |
//! | `top` | the largest contributions to the subject's cost in the last 24 hours: up to three `agents` (`id`, `name` or null, `cost`) and up to three `models` (`provider`, `model`, `cost`). `window` states the interval as the instants `from` (excluded) and `to` (included). If there are more calls than can be read in time, the window starts at the beginning of yesterday in `time_zone` instead |
//! | `unpriced_requests` | the month's calls without a price |
//! | `is_lower_bound` | whether there are unpriced calls, so that the real cost is higher |
//! | `rule` | only in `rule.triggered`: see [`RuleFacts`](super::RuleFacts) |
//! | `resolves` | the alerts that no longer apply: `id`, `kind`, `threshold_percent` |
//!
//! Money is in US dollars, as a string with all its digits. Days are calendar days in `time_zone`.

use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AlertKind, RuleFacts};
use crate::money::{Number, Usd};
use crate::period::Day;

/// A message, without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Message {
    #[serde(rename = "type")]
    pub message_type: MessageType,
    pub version: u32,
    pub timestamp: DateTime<Utc>,
    pub data: Facts,
}

/// The `data` of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Facts {
    pub id: String,
    pub summary: String,
    pub organization: Party,
    pub subject: Subject,
    pub kind: AlertKind,
    pub threshold_percent: u32,
    pub also_crossed_percent: Vec<u32>,
    pub budget: Option<Usd>,
    pub cost: Usd,
    // Only written, not read: it is derived from the two above.
    #[serde(skip_deserializing)]
    pub utilization_percent: Number,
    pub forecast: Option<BudgetForecast>,
    pub period: Period,
    pub top: TopCosts,
    pub unpriced_requests: u64,
    pub is_lower_bound: bool,
    pub resolves: Vec<Resolution>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleFacts>,
}

/// The `version` that is written.
pub const MESSAGE_VERSION: u32 = 1;

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageType {
    /// A cost reached a threshold of a budget.
    #[serde(rename = "budget.threshold_crossed")]
    ThresholdCrossed,
    /// Earlier alerts no longer apply, because the budget was raised or removed.
    #[serde(rename = "budget.resolved")]
    Resolved,
    /// The condition of a rule holds.
    #[serde(rename = "rule.triggered")]
    RuleTriggered,
}

impl MessageType {
    /// The text of the type in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ThresholdCrossed => "budget.threshold_crossed",
            Self::Resolved => "budget.resolved",
            Self::RuleTriggered => "rule.triggered",
        }
    }
}

/// The organization that a message is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Party {
    pub id: String,
    pub name: Option<String>,
}

/// The owner of the budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Subject {
    #[serde(rename = "type")]
    pub subject_type: SubjectKind,
    pub id: String,
    pub name: Option<String>,
}

/// The kinds of owners of budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The organization itself.
    Organization,
    /// One of its agents.
    Agent,
    /// A rule.
    Rule,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject_type {
            SubjectKind::Organization => f.write_str("the organization"),
            SubjectKind::Agent => write!(f, "the agent {}", self.name.as_ref().unwrap_or(&self.id)),
            SubjectKind::Rule => f.write_str(self.name.as_ref().unwrap_or(&self.id)),
        }
    }
}

/// The forecast cost of the whole month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct BudgetForecast {
    pub cost: Usd,
    #[serde(skip_deserializing)]
    pub utilization_percent: Number,
    pub days_left: u32,
    pub basis: ForecastBasis,
}

/// The full days that a forecast extrapolates from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct ForecastBasis {
    pub days: u32,
    pub from: Day,
    pub to: Day,
    pub mean_daily_cost: Usd,
}

/// The month, and the instants that bound it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Period {
    pub month: String,
    pub time_zone: String,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// The largest contributions to the cost in the last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct TopCosts {
    pub window: Window,
    pub agents: Vec<SubjectCost>,
    pub models: Vec<ModelCost>,
}

/// The interval that [`TopCosts`] covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// The cost of an agent in the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct SubjectCost {
    pub id: String,
    pub name: Option<String>,
    pub cost: Usd,
}

/// The cost of a model in the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct ModelCost {
    pub provider: String,
    pub model: String,
    pub cost: Usd,
}

/// An alert that no longer applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Resolution {
    pub id: String,
    pub kind: AlertKind,
    pub threshold_percent: u32,
}

impl Facts {
    /// The `summary`: one sentence for people, worded for a message of `message_type`.
    pub fn sentence(&self, message_type: MessageType) -> String {
        let Self { subject, threshold_percent, .. } = self;
        let (month, party) = (&self.period.month, &self.organization);
        let owner = format!("{}: {subject}", party.name.as_ref().unwrap_or(&party.id));
        if let Some(rule) = &self.rule {
            let party = party.name.as_ref().unwrap_or(&party.id);
            return format!("{party}: {}", rule.sentence(self.cost, self.is_lower_bound));
        }
        match (message_type, self.budget) {
            (MessageType::Resolved, Some(budget)) => format!(
                "{owner} is back under {threshold_percent} % of its budget for {month}, which is now {} USD.",
                in_cents(budget)
            ),
            (MessageType::Resolved, None) => {
                format!("{owner} no longer has a budget: its alerts for {month} no longer apply.")
            }
            (MessageType::ThresholdCrossed | MessageType::RuleTriggered, budget) => {
                let (verb, figure, percent) = self.figure();
                let bound = if self.is_lower_bound { "at least " } else { "" };
                let (figure, budget) = (in_cents(figure), in_cents(budget.unwrap_or_default()));
                if budget.is_zero() {
                    return format!(
                        "{owner} {verb} {bound}{figure} USD in {month}, and its budget is {budget} USD."
                    );
                }
                format!(
                    "{owner} {verb} {bound}{figure} USD in {month}: {percent} % of its budget of {budget} USD \
                     (threshold {threshold_percent} %)."
                )
            }
        }
    }

    /// The figure that reached the threshold: the verb for it, its amount, and its percentage of the budget.
    fn figure(&self) -> (&'static str, Usd, Decimal) {
        match (self.kind, &self.forecast) {
            (AlertKind::Forecast, Some(forecast)) => {
                ("is forecast to cost", forecast.cost, forecast.utilization_percent.0)
            }
            _ => ("has cost", self.cost, self.utilization_percent.0),
        }
    }
}

/// An amount as a sentence shows it: in cents, except that what is not zero is not shown as zero.
pub(super) fn in_cents(amount: Usd) -> Usd {
    let cents = Usd::new(amount.dollars().round_dp(2));
    if cents.is_zero() { amount } else { cents }
}

#[cfg(test)]
mod tests;
