//! What a month is likely to cost, from what the last days have cost.
//!
//! forecast = cost so far + mean daily cost of the last seven full days × days left. The days left are the whole days
//! after today. What today has cost is part of the cost so far, and what it will still cost is not estimated, so a
//! forecast is too low by less than a day's mean. On the last day of a month it is the cost so far.
//!
//! A forecast needs seven full days of history: the organization or agent was in use seven days ago or earlier. An
//! organization is in use from the first day on which it used anything, an agent from its first event.

use ledger::money::{MAX_SCALE, Usd, round};
use ledger::period::{Day, DayRange};
use rust_decimal::Decimal;

/// Full days that a forecast is based on.
pub const BASIS_DAYS: u32 = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The cost of the whole month. The part still to come is rounded half-even to 12 decimals.
    pub cost: Usd,
    /// The mean daily cost of the basis, rounded half-even to 12 decimals.
    pub mean: Usd,
    /// The days that the forecast is based on.
    pub basis: DayRange,
    /// Whole days after today.
    pub days_left: u32,
}

/// The days that a forecast made `today` is based on.
pub fn basis(today: Day) -> DayRange {
    DayRange { first: today.minus(BASIS_DAYS), last: today.minus(1) }
}

/// Whether what is in use since `since` has the history that a forecast needs.
pub fn has_history(since: Option<Day>, today: Day) -> bool {
    since.is_some_and(|since| since <= basis(today).first)
}

/// The whole days of the month after `today`.
pub fn days_left(today: Day) -> u32 {
    let days = today.month().last().date().signed_duration_since(today.date()).num_days();
    u32::try_from(days).unwrap_or_default()
}

/// The forecast of `today`'s month, which has cost `so_far`, where the days of the basis have cost `basis_cost`
/// together. None where the amount is too large to be multiplied.
pub fn forecast(today: Day, so_far: Usd, basis_cost: Usd) -> Option<Forecast> {
    let (days, days_left) = (Decimal::from(BASIS_DAYS), days_left(today));
    let rest = basis_cost.dollars().checked_mul(days_left.into())?.checked_div(days)?;
    let mean = basis_cost.dollars().checked_div(days)?;
    let rounded = |amount| Usd::new(round(amount, MAX_SCALE));
    Some(Forecast { cost: so_far + rounded(rest), mean: rounded(mean), basis: basis(today), days_left })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn usd(text: &str) -> Usd {
        Usd::new(Decimal::from_str_exact(text).unwrap())
    }

    #[test]
    fn forecasts_add_the_mean_of_seven_days_for_each_day_left() {
        for (today, so_far, basis_cost, cost, mean, left) in [
            // September has 15 days left, at 10 dollars each.
            ("2026-09-15", "140", "70", "290.00", "10.00", 15),
            ("2026-09-30", "140", "70", "140.00", "10.00", 0),
            ("2026-09-01", "0", "70", "290.00", "10.00", 29),
            // 28 × 1 / 7 = 4 exactly, though a seventh of a dollar has infinitely many decimals.
            ("2024-02-01", "0.000000000001", "1", "4.000000000001", "0.142857142857", 28),
            ("2026-02-26", "5", "1", "5.285714285714", "0.142857142857", 2),
            ("2026-12-15", "5", "0", "5.00", "0.00", 16),
        ] {
            let forecast = forecast(day(today), usd(so_far), usd(basis_cost)).unwrap();
            assert_eq!(
                (forecast.cost.to_string(), forecast.mean.to_string()),
                (cost.to_owned(), mean.to_owned())
            );
            assert_eq!(forecast.days_left, left, "{today}");
        }
    }

    #[test]
    fn six_days_of_history_are_too_few_and_seven_suffice() {
        let today = day("2026-09-15");
        assert!(!has_history(None, today) && !has_history(Some(day("2026-09-09")), today));
        assert!(has_history(Some(day("2026-09-08")), today) && has_history(Some(day("2025-01-01")), today));
        assert_eq!(basis(today), DayRange { first: day("2026-09-08"), last: day("2026-09-14") });
        assert_eq!(basis(day("2026-09-03")).first, day("2026-08-27"));
    }

    proptest! {
        #[test]
        fn a_forecast_is_at_least_the_cost_so_far_and_grows_with_the_basis(
            days in 0_u32..800, so_far in 0_u64..1_000_000_000_000, basis_cost in 0_u64..1_000_000_000_000, more in 1_u64..1_000_000,
        ) {
            let today = day("2024-01-01").minus(0);
            let today = DayRange { first: today, last: day("2027-01-01") }.days().nth(days as usize).unwrap();
            let amount = |micros: u64| Usd::new(Decimal::new(i64::try_from(micros).unwrap(), 6));
            let of = |basis_cost| forecast(today, amount(so_far), amount(basis_cost)).unwrap();
            let (less, greater) = (of(basis_cost), of(basis_cost + more));
            prop_assert!(less.cost >= amount(so_far) && less.cost <= greater.cost);
            prop_assert_eq!(less.cost == greater.cost, less.days_left == 0);
            // With seven days of equal cost, each day left costs exactly that.
            let alike = forecast(today, amount(so_far), amount(7 * (basis_cost / 7))).unwrap();
            let day_cost = Decimal::new(i64::try_from(basis_cost / 7).unwrap(), 6);
            prop_assert_eq!(alike.cost, amount(so_far) + Usd::new(day_cost * Decimal::from(alike.days_left)));
            prop_assert!(less.days_left < 31 && today.month() == less.basis.last.next().month());
        }
    }
}
