//! What the message of a rule states beside what every alert does.

use serde::{Deserialize, Serialize};

use super::message::in_cents;
use crate::money::Usd;
use crate::period::Day;
use crate::settings::{AlertCondition, AlertScope};

/// A rule, and the figures by which its condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFacts {
    /// What it counts; null: the organization.
    pub scope: Option<AlertScope>,
    /// The condition, as it was at the time.
    pub condition: AlertCondition,
    /// The first day of the period.
    pub from: Day,
    /// The last day of the period.
    pub to: Day,
    /// The mean daily cost of the days before, for a spike: rounded half-even to 12 decimals.
    pub mean_daily_cost: Option<Usd>,
    /// What most of it comes from.
    pub cause: Option<RuleCause>,
}

/// A model, what it cost or how often it was called without a price, and who called it most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCause {
    /// Its provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Its cost in the period.
    pub cost: Usd,
    /// Its mean daily cost of the days before, for a spike.
    pub mean_daily_cost: Option<Usd>,
    /// Its calls without a price in the period.
    pub unpriced_requests: u64,
    /// The agent that it cost most for in the last 24 hours: its name, or else its id.
    pub agent: Option<String>,
}

impl RuleFacts {
    /// What has happened, in sentences for people.
    pub fn sentence(&self, cost: Usd, is_lower_bound: bool) -> String {
        let scope = self.scope.as_ref().map_or_else(|| "the organization".to_owned(), ToString::to_string);
        let when = self.when();
        let cost = format!("{}{} USD", if is_lower_bound { "at least " } else { "" }, in_cents(cost));
        match &self.condition {
            AlertCondition::Limit { amount, .. } => {
                format!("{scope} has cost {cost} {when}; its limit is {} USD.", in_cents(*amount))
            }
            AlertCondition::Spike { factor_percent, days, .. } => {
                let (whole, part) = (factor_percent / 100, factor_percent % 100);
                let factor = format!("{whole}.{part:02}");
                let factor = factor.trim_end_matches('0').trim_end_matches('.');
                let mean = in_cents(self.mean_daily_cost.unwrap_or_default());
                format!(
                    "{scope} has cost {cost} {when}, more than {factor} times the mean of {mean} USD of the {days} days \
                     before.{}",
                    self.because()
                )
            }
            AlertCondition::Unpriced { .. } => {
                format!(
                    "{scope} has calls {when} without a price, so its real cost is higher.{}",
                    self.because()
                )
            }
        }
    }

    fn when(&self) -> String {
        if self.from == self.to {
            format!("on {}", self.from)
        } else {
            format!("from {} to {}", self.from, self.to)
        }
    }

    /// The cause, as a sentence after another one.
    fn because(&self) -> String {
        let Some(RuleCause { model, cost, mean_daily_cost, unpriced_requests, agent, .. }) = &self.cause
        else {
            return String::new();
        };
        let agent = agent.as_ref().map_or_else(String::new, |agent| format!(", called most by {agent}"));
        match mean_daily_cost {
            Some(mean) => format!(
                " Most of the increase comes from {model}: {} USD after a mean of {}{agent}.",
                in_cents(*cost),
                in_cents(*mean)
            ),
            None => format!(" Most of them are {unpriced_requests} calls of {model}{agent}."),
        }
    }

    /// What there is to know beside the sentence, by title.
    pub(super) fn details(&self, zone: &str) -> Vec<(&'static str, String)> {
        let mut details = vec![("Period", format!("{} to {} ({zone})", self.from, self.to))];
        details.extend(self.scope.as_ref().map(|scope| ("Scope", scope.to_string())));
        let cause = |cause: &RuleCause| ("Cause", format!("{}/{}", cause.provider, cause.model));
        details.extend(self.cause.as_ref().map(cause));
        details
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::ids::Label;
    use crate::settings::{AlertDimension, AlertPeriod};

    #[test]
    fn sentences_name_the_cause() {
        let usd = |cents| Usd::new(Decimal::new(cents, 2));
        let day = Day::parse("2026-09-15").unwrap();
        let cause = RuleCause {
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            cost: usd(9_000),
            mean_daily_cost: Some(usd(1_000)),
            unpriced_requests: 0,
            agent: Some("Nova".to_owned()),
        };
        let spike = AlertCondition::Spike { factor_percent: 250, days: 7, minimum: usd(100) };
        let facts = RuleFacts {
            scope: None,
            condition: spike,
            from: day,
            to: day,
            mean_daily_cost: Some(usd(2_000)),
            cause: Some(cause.clone()),
        };
        assert_eq!(
            facts.sentence(usd(10_000), false),
            "the organization has cost 100.00 USD on 2026-09-15, more than 2.5 times the mean of 20.00 USD of the 7 days \
             before. Most of the increase comes from gpt-4o: 90.00 USD after a mean of 10.00, called most by Nova."
        );
        let unpriced = RuleFacts {
            condition: AlertCondition::Unpriced { requests: 1 },
            cause: Some(RuleCause { mean_daily_cost: None, unpriced_requests: 3, agent: None, ..cause }),
            ..facts.clone()
        };
        assert_eq!(
            unpriced.sentence(usd(0), true),
            "the organization has calls on 2026-09-15 without a price, so its real cost is higher. Most of them are 3 \
             calls of gpt-4o."
        );
        let scope = AlertScope { dimension: AlertDimension::Department, value: Label::new("Ops").unwrap() };
        let limit = RuleFacts {
            scope: Some(scope),
            condition: AlertCondition::Limit { period: AlertPeriod::Week, amount: usd(500) },
            to: Day::parse("2026-09-21").unwrap(),
            ..facts
        };
        assert_eq!(
            limit.sentence(usd(501), true),
            "the department Ops has cost at least 5.01 USD from 2026-09-15 to 2026-09-21; its limit is 5.00 USD."
        );
    }
}
