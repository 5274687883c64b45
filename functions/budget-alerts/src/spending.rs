//! Reads daily costs and adds them up to what is compared with a budget.

use std::collections::BTreeMap;

use ledger::ids::{AgentId, ModelKey};
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::ModelCode;
use ledger::rollup::{OrgDay, Seen};
use store::Usage;
use store::agent_costs::AgentCost;
use store::error::Result;

use crate::budgets::Budgets;
use crate::forecast::{self, Forecast};
use crate::organization::Organization;

/// The costs of an organization, as far as its budgets need them.
#[derive(Debug, Default)]
pub struct Costs {
    pub org: Spending,
    /// The models that the organization's days name. Its agents' days know them only by code.
    pub models: BTreeMap<ModelCode, ModelKey>,
    /// The agents' days; read only where an agent has a budget.
    pub agents: Option<Vec<AgentCost>>,
}

/// What an organization or an agent has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// In the month so far.
    pub month: Usd,
    /// Calls of the month that had no price.
    pub unpriced: u64,
    /// On the days that a forecast is based on.
    pub basis: Usd,
    /// The first day with a call, among the days that were read.
    pub since: Option<Day>,
}

/// What is compared with a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The cost of the month so far.
    pub cost: Usd,
    /// Calls of the month that had no price.
    pub unpriced: u64,
    /// None where there is not enough history.
    pub forecast: Option<Forecast>,
}

impl Costs {
    pub async fn read(
        usage: &Usage,
        org: Organization<'_>,
        seen: Option<&Seen>,
        budgets: &Budgets,
    ) -> Result<Self> {
        if budgets.all.is_empty() {
            return Ok(Self::default());
        }
        let today = org.today();
        let days = usage.org_days(org.id, org.calendar.generation, months(today)).await?;
        let models = models(&days);
        let agents = if budgets.any_of_agents() {
            let codes = models.keys().copied().collect();
            Some(usage.agent_costs(org.id, org.calendar.generation, self::days(today), &codes).await?)
        } else {
            None
        };
        let spending = Spending::of_org(&days, today);
        let since = in_use_since(&spending, seen, org);
        Ok(Self { org: Spending { since, ..spending }, models, agents })
    }

    /// What each agent has spent.
    pub fn by_agent(&self, today: Day) -> BTreeMap<&AgentId, Spending> {
        let mut spending: BTreeMap<&AgentId, Spending> = BTreeMap::new();
        for day in self.agents.iter().flatten() {
            let used = Used { cost: day.cost(), requests: day.requests, unpriced: day.unpriced };
            spending.entry(&day.agent).or_default().add(day.day, today, used);
        }
        spending
    }
}

/// The first day on which an organization used anything. Months before those that were read are known from the
/// registry.
fn in_use_since(spending: &Spending, seen: Option<&Seen>, org: Organization<'_>) -> Option<Day> {
    let first = months(org.today()).first;
    let used = seen.map(|seen| seen.months.of_zone(org.calendar.zone)).unwrap_or_default();
    let earlier = used.first().is_some_and(|month| *month < first.month());
    if earlier { Some(first) } else { spending.since }
}

fn models(days: &BTreeMap<Day, OrgDay>) -> BTreeMap<ModelCode, ModelKey> {
    days.values().flat_map(|day| day.models.keys()).map(|key| (ModelCode::of(key), key.clone())).collect()
}

/// The usage of one day.
#[derive(Clone, Copy, Debug)]
struct Used {
    cost: Usd,
    requests: u64,
    unpriced: u64,
}

impl Spending {
    fn of_org(days: &BTreeMap<Day, OrgDay>, today: Day) -> Self {
        let mut spending = Self::default();
        for (day, used) in days {
            let total = used.total();
            let used = Used { cost: total.cost(), requests: total.requests, unpriced: total.unpriced };
            spending.add(*day, today, used);
        }
        spending
    }

    fn add(&mut self, day: Day, today: Day, used: Used) {
        // The whole month counts, days after today too: a sender's clock that runs fast may have reached tomorrow.
        if day.month() == today.month() {
            self.month += used.cost;
            self.unpriced += used.unpriced;
        }
        if forecast::basis(today).contains(day) {
            self.basis += used.cost;
        }
        if used.requests > 0 {
            self.since = Some(self.since.map_or(day, |since| since.min(day)));
        }
    }

    /// The month's forecast, whether or not there is the history for one.
    pub fn forecast(&self, today: Day) -> Option<Forecast> {
        forecast::forecast(today, self.month, self.basis)
    }

    pub const fn figures(&self, forecast: Option<Forecast>) -> Figures {
        Figures { cost: self.month, unpriced: self.unpriced, forecast }
    }
}

/// The days of which agents' costs are read: the month, and the days that a forecast is based on.
fn days(today: Day) -> DayRange {
    let month = DayRange::of_month(today.month());
    DayRange { first: month.first.min(forecast::basis(today).first), last: month.last }
}

/// The days of which an organization's costs are read: whole months, since they also show since when it is in use.
fn months(today: Day) -> DayRange {
    let days = days(today);
    DayRange { first: days.first.month().first(), ..days }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn used(cost: u32, requests: u64) -> Used {
        Used { cost: Usd::new(cost.into()), requests, unpriced: requests }
    }

    #[test]
    fn the_month_and_the_forecast_basis_are_added_up_separately() {
        let today = day("2026-09-03");
        let mut spending = Spending::default();
        for (text, cost) in [
            ("2026-08-26", 1),
            ("2026-08-27", 10),
            ("2026-08-31", 100),
            ("2026-09-01", 1_000),
            ("2026-09-02", 10_000),
            ("2026-09-03", 100_000),
            ("2026-09-04", 1_000_000),
        ] {
            spending.add(day(text), today, used(cost, 1));
        }
        assert_eq!(spending.month.to_string(), "1111000.00");
        assert_eq!(spending.basis.to_string(), "11110.00");
        assert_eq!((spending.unpriced, spending.since), (4, Some(day("2026-08-26"))));
    }

    #[test]
    fn history_begins_with_the_first_call() {
        let today = day("2026-09-15");
        let mut spending = Spending::default();
        spending.add(day("2026-09-01"), today, used(0, 0));
        assert_eq!(spending.since, None);
        spending.add(day("2026-09-09"), today, used(0, 1));
        assert_eq!(spending.since, Some(day("2026-09-09")));
    }

    #[test]
    fn the_days_read_cover_the_month_and_the_forecast_basis() {
        let read = |text: &str| (days(day(text)).first.to_string(), months(day(text)).first.to_string());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(read("2026-09-15"), pair("2026-09-01", "2026-09-01"));
        assert_eq!(read("2026-09-08"), pair("2026-09-01", "2026-09-01"));
        assert_eq!(read("2026-09-07"), pair("2026-08-31", "2026-08-01"));
        assert_eq!(read("2026-03-01"), pair("2026-02-22", "2026-02-01"));
        assert_eq!(days(day("2026-09-15")).last, day("2026-09-30"));
    }
}
