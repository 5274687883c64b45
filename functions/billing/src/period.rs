//! The current billing period and its days.

use chrono::{DateTime, Datelike, Months, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::period::{Day, DayRange, instant_in};
use ledger::settings::{BillingCycle, PlanSettings};

/// A period from `start`, inclusive, to `end`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// The billing period of `plan` at `now`.
///
/// A period that has ended rolls forward by whole cycles. A plan without a period is billed by calendar month. Months
/// and years are those of the organization's time zone.
pub fn current(plan: &PlanSettings, zone: Tz, now: DateTime<Utc>) -> Period {
    let Some((start, end)) = plan.current_period_start.zip(plan.current_period_end) else {
        let month = Day::of(now, zone).month();
        return Period { start: month.first().start(zone), end: month.next().first().start(zone) };
    };
    let given = Period { start, end: end_of(start, end, zone) };
    if now < given.end { given } else { rolled(given, plan.billing_cycle, zone, now) }
}

/// The end of a period. One that starts at midnight and ends in the last minute of a day (`23:59:59`) is taken to
/// include that whole day, in the organization's zone or in UTC.
fn end_of(start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let whole = |zone: Tz| {
        let midnight = Day::of(end, zone).next().start(zone);
        let begins_with_a_day = Day::of(start, zone).start(zone) == start;
        (begins_with_a_day && midnight - end <= TimeDelta::minutes(1)).then_some(midnight)
    };
    [zone, Tz::UTC].into_iter().find_map(whole).unwrap_or(end)
}

impl Period {
    /// The days of the period. Usage is kept by day, so the day on which a period starts belongs to it as a whole and
    /// the day on which it ends belongs to the next one. No day is in two periods or in none.
    ///
    /// A period that starts and ends on the same day keeps that day.
    pub fn days(self, zone: Tz) -> DayRange {
        let first = Day::of(self.start, zone);
        DayRange { first, last: Day::of(self.end, zone).minus(1).max(first) }
    }
}

/// The period after `given`, which has ended, that contains `now`.
///
/// Periods are counted from the start of the given one, so that the 31st comes back after a shorter month. The end of
/// the given period shows which calendar it follows: whole cycles in the organization's zone, else in UTC, as payment
/// providers use. If neither fits, cycles start at the given end.
fn rolled(given: Period, cycle: BillingCycle, zone: Tz, now: DateTime<Utc>) -> Period {
    let from_start = |zone| Cycles::new(given.start, cycle, zone);
    let cycles = [zone, Tz::UTC].map(from_start).into_iter().find(|cycles| cycles.has_boundary(given.end));
    let cycles = cycles.unwrap_or_else(|| Cycles::new(given.end, cycle, zone));
    let nth = cycles.last_boundary(now);
    // When clocks are set back over a boundary, the given end may be the second occurrence of that local time.
    Period { start: cycles.boundary(nth).max(given.end), end: cycles.boundary(nth + 1) }
}

/// Boundaries between periods: an instant and every whole number of cycles after it.
struct Cycles {
    /// Local time of the first boundary.
    anchor: NaiveDateTime,
    zone: Tz,
    months: u32,
}

impl Cycles {
    fn new(anchor: DateTime<Utc>, cycle: BillingCycle, zone: Tz) -> Self {
        let months = match cycle {
            BillingCycle::Monthly => 1,
            BillingCycle::Annual => 12,
        };
        Self { anchor: anchor.with_timezone(&zone).naive_local(), zone, months }
    }

    /// The boundary after `nth` cycles: the anchor's day of the month, or the last day of a shorter month.
    fn boundary(&self, nth: u32) -> DateTime<Utc> {
        let months = Months::new(nth.saturating_mul(self.months));
        let local = self.anchor.checked_add_months(months).unwrap_or(NaiveDateTime::MAX);
        instant_in(self.zone, local)
    }

    /// The index of the last boundary that is not after `instant`.
    fn last_boundary(&self, instant: DateTime<Utc>) -> u32 {
        let local = instant.with_timezone(&self.zone).naive_local();
        let month = |time: NaiveDateTime| time.year() * 12 + time.month0().cast_signed();
        let months = u32::try_from(month(local) - month(self.anchor)).unwrap_or_default();
        // Nearly always this one or the one before; the next one when clocks are set back across a month boundary.
        let nearest = months / self.months + 1;
        (0..=nearest).rev().find(|nth| self.boundary(*nth) <= instant).unwrap_or_default()
    }

    fn has_boundary(&self, instant: DateTime<Utc>) -> bool {
        self.boundary(self.last_boundary(instant)) == instant
    }
}

#[cfg(test)]
mod tests;
