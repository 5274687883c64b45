//! What an alert says: the JSON that webhooks and the topic carry, and that the list of alerts is made of.
//!
//! | field | |
//! |---|---|
//! | `type` | `budget.threshold_crossed`, or `budget.resolved`: a budget was raised or taken away, and what was said in `resolves` no longer holds |
//! | `version` | 1; a field that is added leaves it as it is, one that goes or changes its meaning does not |
//! | `timestamp` | when all of this was so: RFC 3339 in UTC |
//! | `data` | the rest: |
//! | `id` | of the alert: the same in each repetition, and in `webhook-id` |
//! | `summary` | one sentence for people |
//! | `organization` | `id`, and `name` or null |
//! | `subject` | whose budget it is: `type` `organization` or `agent`, `id`, and `name` or null |
//! | `kind` | what reached the threshold: `actual`, what the month has cost so far, or `forecast`, what it is likely to cost. In `budget.resolved` that of the first of `resolves` |
//! | `threshold_percent` | of the budget, likewise |
//! | `also_crossed_percent` | lower thresholds that were reached at the same time, and are told of nowhere else |
//! | `budget` | for the month; null where it was taken away |
//! | `cost` | of the month so far |
//! | `utilization_percent` | cost by budget, with one decimal; 0 without a budget |
//! | `forecast` | null before the subject has seven full days of history, else: `cost` of the whole month, `utilization_percent`, `days_left` after today, and its `basis`: the days `from` and `to`, how many `days` that are, and their `mean_daily_cost`, rounded half-even to 12 decimals |
//! | `period` | `month`, `time_zone`, and the instants `start` (included) and `end` (not included) |
//! | `top` | what added most to the subject's cost in the last 24 hours, to the moment: up to three `agents` (`id`, `name` or null, `cost`), and up to three `models` (`provider`, `model`, `cost`). `window` says so as the instants `from` (not included) and `to` (included). Where there are more calls than can be read in time, it begins with yesterday in the `time_zone` instead |
//! | `unpriced_requests` | calls of the month that had no price |
//! | `is_lower_bound` | whether there are any, so that the cost is really higher |
//! | `resolves` | the alerts that no longer hold: `id`, `kind`, `threshold_percent` |
//!
//! Money is in US dollars, a string with all its digits; days are those of the time zone.

use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::money::{Number, Usd};
use crate::period::Day;

/// What is said; see above for the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Message {
    #[serde(rename = "type")]
    pub message_type: MessageType,
    pub version: u32,
    pub timestamp: DateTime<Utc>,
    pub data: Facts,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Facts {
    pub id: String,
    pub summary: String,
    pub organization: Party,
    pub subject: Subject,
    pub kind: Kind,
    pub threshold_percent: u32,
    pub also_crossed_percent: Vec<u32>,
    pub budget: Option<Usd>,
    pub cost: Usd,
    // Only written, not read: it follows from the two above.
    #[serde(skip_deserializing)]
    pub utilization_percent: Number,
    pub forecast: Option<BudgetForecast>,
    pub period: Period,
    pub top: TopCosts,
    pub unpriced_requests: u64,
    pub is_lower_bound: bool,
    pub resolves: Vec<Resolution>,
}

/// The version of this layout.
pub const MESSAGE_VERSION: u32 = 1;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageType {
    /// A figure reached a threshold.
    #[serde(rename = "budget.threshold_crossed")]
    ThresholdCrossed,
    /// What was said before no longer holds.
    #[serde(rename = "budget.resolved")]
    Resolved,
}

impl MessageType {
    /// The type as messages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ThresholdCrossed => "budget.threshold_crossed",
            Self::Resolved => "budget.resolved",
        }
    }
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Party {
    pub id: String,
    pub name: Option<String>,
}

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Subject {
    #[serde(rename = "type")]
    pub subject_type: SubjectKind,
    pub id: String,
    pub name: Option<String>,
}

/// What has a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The organisation.
    Organization,
    /// One of its agents.
    Agent,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject_type {
            SubjectKind::Organization => f.write_str("the organization"),
            SubjectKind::Agent => write!(f, "the agent {}", self.name.as_ref().unwrap_or(&self.id)),
        }
    }
}

/// What the month is likely to cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct BudgetForecast {
    pub cost: Usd,
    #[serde(skip_deserializing)]
    pub utilization_percent: Number,
    pub days_left: u32,
    pub basis: ForecastBasis,
}

/// What a forecast is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct ForecastBasis {
    pub days: u32,
    pub from: Day,
    pub to: Day,
    pub mean_daily_cost: Usd,
}

/// The month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Period {
    pub month: String,
    pub time_zone: String,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// What added most to the cost lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct TopCosts {
    pub window: Window,
    pub agents: Vec<SubjectCost>,
    pub models: Vec<ModelCost>,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// What an agent added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct SubjectCost {
    pub id: String,
    pub name: Option<String>,
    pub cost: Usd,
}

/// What a model added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct ModelCost {
    pub provider: String,
    pub model: String,
    pub cost: Usd,
}

/// An alert that no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the table above is the one place")]
pub struct Resolution {
    pub id: String,
    pub kind: Kind,
    pub threshold_percent: u32,
}

impl Facts {
    /// All of it in one sentence, as a message of this type says it.
    pub fn sentence(&self, message_type: MessageType) -> String {
        let Self { subject, threshold_percent, .. } = self;
        let (month, party) = (&self.period.month, &self.organization);
        let whose = format!("{}: {subject}", party.name.as_ref().unwrap_or(&party.id));
        match (message_type, self.budget) {
            (MessageType::Resolved, Some(budget)) => format!(
                "{whose} is back under {threshold_percent} % of its budget for {month}, which is now {budget} USD."
            ),
            (MessageType::Resolved, None) => {
                format!("{whose} has no budget any more: what was said of it for {month} no longer holds.")
            }
            (MessageType::ThresholdCrossed, budget) => {
                let (what, figure, percent) = self.figure();
                let bound = if self.is_lower_bound { "at least " } else { "" };
                let budget = budget.unwrap_or_default();
                format!(
                    "{whose} {what} {bound}{figure} USD in {month}: {percent} % of its budget of {budget} USD \
                     (threshold {threshold_percent} %)."
                )
            }
        }
    }

    /// What reached the threshold: in words, in dollars, and in percent of the budget.
    fn figure(&self) -> (&'static str, Usd, Decimal) {
        match (self.kind, &self.forecast) {
            (Kind::Forecast, Some(forecast)) => {
                ("is likely to cost", forecast.cost, forecast.utilization_percent.0)
            }
            _ => ("has cost", self.cost, self.utilization_percent.0),
        }
    }
}

#[cfg(test)]
mod tests;
