//! The arithmetic: each figure is one fraction, and is rounded once.

use ledger::money::{Number, Usd, exact_add, ratio};
use rust_decimal::Decimal;

/// Months in a year.
const MONTHS: Decimal = Decimal::from_parts(12, 0, 0, false, 0);
/// Minutes in an hour.
const MINUTES: Decimal = Decimal::from_parts(60, 0, 0, false, 0);
/// Decimals of amounts that are not shares.
const PLACES: u32 = 6;

/// What people would earn for the work in a year, and what agents have cost this month. Of several agents, the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roi {
    /// What people would earn in a year.
    pub salary: Usd,
    /// What it has cost this month.
    pub cost: Usd,
}

impl Roi {
    /// Takes in another one.
    pub fn add(&mut self, other: Self) {
        self.salary += other.salary;
        self.cost += other.cost;
    }

    /// What people would earn in a month.
    pub fn human_equivalent(self) -> Number {
        Number(ratio(self.salary.dollars(), MONTHS, 1, PLACES))
    }

    /// A year's savings at the month's cost, exact: the measure by which savings are compared.
    pub fn savings_times_twelve(self) -> Decimal {
        self.salary.dollars() - self.cost.dollars() * MONTHS
    }

    /// What people would earn in a month, less the cost.
    pub fn savings(self) -> Number {
        Number(ratio(self.savings_times_twelve(), MONTHS, 1, PLACES))
    }

    /// The savings in percent of the cost; 0 where there is none.
    pub fn percent(self) -> Number {
        Number(ratio(self.savings_times_twelve(), self.cost.dollars() * MONTHS, 100, 1))
    }

    /// The cost of one of `tasks` tasks; 0 where there is none.
    pub fn cost_per_task(self, tasks: u64) -> Number {
        Number(ratio(self.cost.dollars(), tasks.into(), 1, PLACES))
    }
}

/// Time that was saved, in minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved(Decimal);

impl Saved {
    /// The minutes that an agent's tasks reported, or the hours that it is thought to save where none did.
    pub fn of(tasks_with_minutes: u64, minutes: Decimal, estimated_hours: Decimal) -> Self {
        Self(if tasks_with_minutes > 0 { minutes } else { estimated_hours * MINUTES })
    }

    /// Takes in another's.
    pub fn add(&mut self, other: Self) {
        self.0 = exact_add(self.0, other.0);
    }

    /// The same in hours.
    pub fn hours(self) -> Number {
        Number(ratio(self.0, MINUTES, 1, PLACES))
    }
}

/// The mean of `count` latencies that add up to `sum_ms`, to the millisecond; 0 where there is none.
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
    fn the_figures_of_the_published_examples() {
        let fleet = roi("360000", "284.40");
        assert_eq!(text(fleet.human_equivalent()), "30000");
        assert_eq!(text(fleet.savings()), "29715.6");
        // The example says 10449.0, which its own amounts do not make.
        assert_eq!(text(fleet.percent()), "10448.5");
        let nova = roi("75000", "28.40");
        assert_eq!(text(nova.human_equivalent()), "6250");
        assert_eq!(text(nova.savings()), "6221.6");
        // The example says 21906.3, and again its amounts do not.
        assert_eq!(text(nova.percent()), "21907");
        assert_eq!(text(nova.cost_per_task(312)), "0.091026");
    }

    #[test]
    fn figures_at_their_edges() {
        for (salary, cost, tasks, expected) in [
            ("0", "0", 0, ["0", "0", "0", "0"]),
            ("0", "1", 3, ["0", "-1", "-100", "0.333333"]),
            ("12", "0", 7, ["1", "1", "0", "0"]),
            ("100", "0.000000000001", 1, ["8.333333", "8.333333", "833333333333233.3", "0"]),
            // Rounded half-even, and once: not the rounded twelfth less the cost.
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
    fn hours_are_those_reported_or_else_those_estimated() {
        let decimal = |text| Decimal::from_str_exact(text).unwrap();
        assert_eq!(text(Saved::of(0, Decimal::ZERO, decimal("80.5")).hours()), "80.5");
        assert_eq!(text(Saved::of(1, decimal("12.5"), decimal("80.5")).hours()), "0.208333");
        assert_eq!(text(Saved::of(1, Decimal::ZERO, decimal("80.5")).hours()), "0");
        // Three thirds of an hour are an hour.
        let mut three = Saved::default();
        (0..3).for_each(|_| three.add(Saved::of(1, decimal("20"), Decimal::ZERO)));
        assert_eq!(text(three.hours()), "1");
    }

    #[test]
    fn a_mean_is_rounded_half_even() {
        for (sum, count, mean) in [(0, 0, "0"), (5, 2, "2"), (7, 2, "4"), (10, 3, "3"), (11, 3, "4")] {
            assert_eq!(text(mean_ms(sum, count)), mean);
        }
    }
}
