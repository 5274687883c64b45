//! From days to what is held against a budget.

use std::collections::BTreeMap;

use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::OrgDay;
use store::alerts::AgentCost;

use crate::forecast::{self, Forecast};
use crate::judge::Figures;

/// What a subject has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// In the month so far.
    pub month: Usd,
    /// Calls of the month that had no price.
    pub unpriced: u64,
    /// On the days that a forecast is made from.
    pub lately: Usd,
    /// The first day with a call among those that were read.
    pub since: Option<Day>,
}

/// What a subject used on one day.
#[derive(Clone, Copy, Debug)]
struct Used {
    cost: Usd,
    requests: u64,
    unpriced: u64,
}

impl Spending {
    fn add(&mut self, day: Day, today: Day, used: Used) {
        // All of the month: a sender's clock that runs fast may have reached tomorrow already.
        if day.month() == today.month() {
            self.month += used.cost;
            self.unpriced += used.unpriced;
        }
        if forecast::basis(today).contains(day) {
            self.lately += used.cost;
        }
        if used.requests > 0 {
            self.since = Some(self.since.map_or(day, |since| since.min(day)));
        }
    }

    /// What an organisation has spent.
    pub fn of_org(days: &BTreeMap<Day, OrgDay>, today: Day) -> Self {
        let mut spending = Self::default();
        for (day, used) in days {
            let total = used.total();
            let used = Used { cost: total.cost(), requests: total.requests, unpriced: total.unpriced };
            spending.add(*day, today, used);
        }
        spending
    }

    /// What each agent has spent.
    pub fn of_agents(days: &[AgentCost], today: Day) -> BTreeMap<&AgentId, Self> {
        let mut all: BTreeMap<&AgentId, Self> = BTreeMap::new();
        for day in days {
            let used = Used { cost: day.cost(), requests: day.requests, unpriced: day.unpriced };
            all.entry(&day.agent).or_default().add(day.day, today, used);
        }
        all
    }

    /// What the month is likely to cost, whether or not there is the history to say so.
    pub fn forecast(&self, today: Day) -> Option<Forecast> {
        forecast::forecast(today, self.month, self.lately)
    }

    /// What is held against a budget.
    pub const fn figures(&self, forecast: Option<Forecast>) -> Figures {
        Figures { cost: self.month, unpriced: self.unpriced, forecast }
    }
}

/// The days that agents' spending is read of: those of the month, and those that a forecast is made from.
pub fn days(today: Day) -> DayRange {
    let month = DayRange::of_month(today.month());
    DayRange { first: month.first.min(forecast::basis(today).first), last: month.last }
}

/// The days that an organisation's spending is read of: whole months, since they also tell since when it is in use.
pub fn months(today: Day) -> DayRange {
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
    fn the_month_and_the_last_full_days_are_told_apart() {
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
        assert_eq!(spending.lately.to_string(), "11110.00");
        assert_eq!((spending.unpriced, spending.since), (4, Some(day("2026-08-26"))));
    }

    #[test]
    fn a_day_without_a_call_begins_no_history() {
        let today = day("2026-09-15");
        let mut spending = Spending::default();
        spending.add(day("2026-09-01"), today, used(0, 0));
        assert_eq!(spending.since, None);
        spending.add(day("2026-09-09"), today, used(0, 1));
        assert_eq!(spending.since, Some(day("2026-09-09")));
    }

    #[test]
    fn what_is_read_covers_the_month_and_the_basis() {
        let read = |text: &str| (days(day(text)).first.to_string(), months(day(text)).first.to_string());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(read("2026-09-15"), pair("2026-09-01", "2026-09-01"));
        assert_eq!(read("2026-09-08"), pair("2026-09-01", "2026-09-01"));
        assert_eq!(read("2026-09-07"), pair("2026-08-31", "2026-08-01"));
        assert_eq!(read("2026-03-01"), pair("2026-02-22", "2026-02-01"));
        assert_eq!(days(day("2026-09-15")).last, day("2026-09-30"));
    }
}
