//! Return on investment. Each figure is a single fraction and is rounded once.

use ledger::money::{Number, Usd, exact_add, ratio};
use ledger::period::DayRange;
use rust_decimal::Decimal;
use serde::Serialize;

/// Months in a year.
const MONTHS: Decimal = Decimal::from_parts(12, 0, 0, false, 0);
/// Minutes in an hour.
const MINUTES: Decimal = Decimal::from_parts(60, 0, 0, false, 0);
/// Decimals of amounts.
const PLACES: u32 = 6;

/// How much of the month has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthSoFar {
    days: Decimal,
    of: Decimal,
}

impl MonthSoFar {
    /// Up to the last day of `so_far`, which begins with the month. Today counts as a whole day.
    pub fn new(so_far: DayRange) -> Self {
        let days = |range: DayRange| Decimal::from(range.days().count());
        Self { days: days(so_far), of: days(DayRange::of_month(so_far.first.month())) }
    }
}

/// The yearly salary for the work of one or several agents, and their cost this month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roi {
    /// What people would earn in a year.
    pub salary: Usd,
    /// The agents' cost this month.
    pub cost: Usd,
}

impl Roi {
    pub fn add(&mut self, other: Self) {
        self.salary += other.salary;
        self.cost += other.cost;
    }

    /// The salary per month.
    pub fn human_equivalent(self) -> Number {
        Number(ratio(self.salary.dollars(), MONTHS, 1, PLACES))
    }

    /// Twelve times the monthly savings: exact, so that savings can be compared without rounding.
    pub fn savings_times_twelve(self) -> Decimal {
        self.salary.dollars() - self.cost.dollars() * MONTHS
    }

    /// Monthly salary minus monthly cost.
    pub fn savings(self) -> Number {
        Number(ratio(self.savings_times_twelve(), MONTHS, 1, PLACES))
    }

    /// The salary for the days of the month so far, with which the cost so far can be compared.
    pub fn human_equivalent_to_date(self, month: MonthSoFar) -> Number {
        Number(ratio(self.salary.dollars() * month.days, MONTHS * month.of, 1, PLACES))
    }

    /// The same minus the cost so far.
    pub fn savings_to_date(self, month: MonthSoFar) -> Number {
        let all = MONTHS * month.of;
        Number(ratio(self.salary.dollars() * month.days - self.cost.dollars() * all, all, 1, PLACES))
    }

    /// Savings in percent of the cost; 0 without a cost.
    pub fn percent(self) -> Number {
        Number(ratio(self.savings_times_twelve(), self.cost.dollars() * MONTHS, 100, 1))
    }

    /// Cost per task; 0 without tasks.
    pub fn cost_per_task(self, tasks: u64) -> Number {
        Number(ratio(self.cost.dollars(), tasks.into(), 1, PLACES))
    }
}

/// Where hours saved come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SavedBasis {
    /// Tasks of this month reported minutes.
    Reported,
    /// None did, so it is the agent's registered estimate.
    Estimated,
}

/// Minutes saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSaved(Decimal);

impl TimeSaved {
    /// The minutes that tasks reported, or the agent's estimated hours if none did.
    pub fn of(tasks_with_minutes: u64, minutes: Decimal, estimated_hours: Decimal) -> Self {
        Self(if tasks_with_minutes > 0 { minutes } else { estimated_hours * MINUTES })
    }

    pub fn add(&mut self, other: Self) {
        self.0 = exact_add(self.0, other.0);
    }

    pub fn hours(self) -> Number {
        Number(ratio(self.0, MINUTES, 1, PLACES))
    }
}

/// Mean latency in whole milliseconds; 0 without any.
pub fn mean_ms(sum_ms: u64, count: u64) -> Number {
    Number(ratio(sum_ms.into(), count.into(), 1, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roi(salary: &str, cost: &str) -> Roi {
        let usd = |text| Usd::new(Decimal::from_str_exact(text).unwrap());
        Roi { salary: usd(salary), cost: usd(cost) }
    }

    fn text(number: Number) -> String {
        serde_json::to_string(&number).unwrap()
    }

    #[test]
    fn the_published_examples_are_reproduced() {
        let fleet = roi("360000", "284.40");
        assert_eq!(text(fleet.human_equivalent()), "30000");
        assert_eq!(text(fleet.savings()), "29715.6");
        // The published example says 10449.0, which does not follow from its own amounts.
        assert_eq!(text(fleet.percent()), "10448.5");
        let nova = roi("75000", "28.40");
        assert_eq!(text(nova.human_equivalent()), "6250");
        assert_eq!(text(nova.savings()), "6221.6");
        // The published example says 21906.3, which does not follow from its own amounts.
        assert_eq!(text(nova.percent()), "21907");
        assert_eq!(text(nova.cost_per_task(312)), "0.091026");
    }

    #[test]
    fn the_salary_of_a_month_just_begun_is_that_of_its_days() {
        let so_far = |first: &str, last: &str| {
            let day = |text| ledger::period::Day::parse(text).unwrap();
            MonthSoFar::new(DayRange { first: day(first), last: day(last) })
        };
        let nova = roi("75000", "28.40");
        for (month, human, savings) in [
            (so_far("2026-11-01", "2026-11-01"), "208.333333", "179.933333"),
            (so_far("2026-11-01", "2026-11-15"), "3125", "3096.6"),
            (so_far("2026-11-01", "2026-11-30"), "6250", "6221.6"),
            (so_far("2024-02-01", "2024-02-29"), "6250", "6221.6"),
            (so_far("2026-02-01", "2026-02-01"), "223.214286", "194.814286"),
        ] {
            let found = [nova.human_equivalent_to_date(month), nova.savings_to_date(month)];
            assert_eq!(found.map(text), [human, savings], "{month:?}");
        }
    }

    #[test]
    fn zero_cost_and_zero_tasks_give_zero_ratios() {
        for (salary, cost, tasks, expected) in [
            ("0", "0", 0, ["0", "0", "0", "0"]),
            ("0", "1", 3, ["0", "-1", "-100", "0.333333"]),
            ("12", "0", 7, ["1", "1", "0", "0"]),
            ("100", "0.000000000001", 1, ["8.333333", "8.333333", "833333333333233.3", "0"]),
            // Rounded half-even and once: not the rounded monthly salary minus the cost.
            ("0.000006", "0", 1, ["0", "0", "0", "0"]),
            ("0.000018", "0.000001", 2, ["0.000002", "0", "50", "0"]),
            ("1000000000000", "1", 1, ["83333333333.333333", "83333333332.333333", "8333333333233.3", "1"]),
        ] {
            let roi = roi(salary, cost);
            let figures = [roi.human_equivalent(), roi.savings(), roi.percent(), roi.cost_per_task(tasks)];
            assert_eq!(figures.map(text), expected, "{salary} {cost}");
        }
    }

    #[test]
    fn reported_minutes_win_over_estimated_hours() {
        let decimal = |text| Decimal::from_str_exact(text).unwrap();
        assert_eq!(text(TimeSaved::of(0, Decimal::ZERO, decimal("80.5")).hours()), "80.5");
        assert_eq!(text(TimeSaved::of(1, decimal("12.5"), decimal("80.5")).hours()), "0.208333");
        assert_eq!(text(TimeSaved::of(1, Decimal::ZERO, decimal("80.5")).hours()), "0");
        // Three times twenty minutes are one hour.
        let mut three = TimeSaved::default();
        (0..3).for_each(|_| three.add(TimeSaved::of(1, decimal("20"), Decimal::ZERO)));
        assert_eq!(text(three.hours()), "1");
    }

    #[test]
    fn a_mean_is_rounded_half_even() {
        for (sum, count, mean) in [(0, 0, "0"), (5, 2, "2"), (7, 2, "4"), (10, 3, "3"), (11, 3, "4")] {
            assert_eq!(text(mean_ms(sum, count)), mean);
        }
    }
}
