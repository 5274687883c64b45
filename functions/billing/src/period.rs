//! The current billing period: which one it is, and which days it has.

use chrono::{DateTime, Datelike, Months, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::period::{Day, DayRange, instant_in};
use ledger::settings::{BillingCycle, PlanSettings};

/// From `start` up to, and without, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it ends, and the next one begins.
    pub end: DateTime<Utc>,
}

/// The billing period of `plan` at `now`.
///
/// One that has ended rolls forward by whole cycles; a plan without a period has the calendar month. Months and years
/// are those of the organisation's zone, as everywhere.
pub fn current(plan: &PlanSettings, zone: Tz, now: DateTime<Utc>) -> Period {
    let Some((start, end)) = plan.current_period_start.zip(plan.current_period_end) else {
        let month = Day::of(now, zone).month();
        return Period { start: month.first().start(zone), end: month.next().first().start(zone) };
    };
    let given = Period { start, end: end_of(start, end, zone) };
    if now < given.end { given } else { rolled(given, plan.billing_cycle, zone, now) }
}

/// Where a period ends: one that begins with a day and is said to end in the last minute of one (`23:59:59`) has the
/// whole of that day, of the organisation's or of UTC.
fn end_of(start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let whole = |zone: Tz| {
        let midnight = Day::of(end, zone).next().start(zone);
        let begins_with_a_day = Day::of(start, zone).start(zone) == start;
        (begins_with_a_day && midnight - end <= TimeDelta::minutes(1)).then_some(midnight)
    };
    [zone, Tz::UTC].into_iter().find_map(whole).unwrap_or(end)
}

impl Period {
    /// Its days: usage is kept by day, so a period has the day that it begins on, whole, and not the one that it ends
    /// on, which the next one has. Thus no day is ever in two periods, or in none.
    ///
    /// A period that ends on the day that it begins on has that day nevertheless, rather than nothing.
    pub fn days(self, zone: Tz) -> DayRange {
        let first = Day::of(self.start, zone);
        DayRange { first, last: Day::of(self.end, zone).minus(1).max(first) }
    }
}

/// The period that follows upon `given`, which has ended, and holds `now`.
///
/// Periods are counted from the start of the given one, so that the 31st comes again after a shorter month. Its end
/// tells how it was cut: after whole cycles of the organisation's calendar, or else of UTC, which a payment provider
/// goes by. A period that is neither says nothing of a calendar: the cycles begin where it ends.
fn rolled(given: Period, cycle: BillingCycle, zone: Tz, now: DateTime<Utc>) -> Period {
    let from_start = |zone| Cycles::new(given.start, cycle, zone);
    let cycles = [zone, Tz::UTC].map(from_start).into_iter().find(|cycles| cycles.has_border(given.end));
    let cycles = cycles.unwrap_or_else(|| Cycles::new(given.end, cycle, zone));
    let nth = cycles.last_border(now);
    // Where the clocks showed a border's time twice, the given end may be the second.
    Period { start: cycles.border(nth).max(given.end), end: cycles.border(nth + 1) }
}

/// Borders between periods: an instant, and every whole number of cycles after it.
struct Cycles {
    /// What the clocks showed.
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

    /// The border after `nth` cycles: at the anchor's day of the month, or the month's last.
    fn border(&self, nth: u32) -> DateTime<Utc> {
        let months = Months::new(nth.saturating_mul(self.months));
        let local = self.anchor.checked_add_months(months).unwrap_or(NaiveDateTime::MAX);
        instant_in(self.zone, local)
    }

    /// Which border is the last that is not after `instant`.
    fn last_border(&self, instant: DateTime<Utc>) -> u32 {
        let local = instant.with_timezone(&self.zone).naive_local();
        let month = |time: NaiveDateTime| time.year() * 12 + time.month0().cast_signed();
        let months = u32::try_from(month(local) - month(self.anchor)).unwrap_or_default();
        // Nearly always this one or the one before; the one after where clocks are set back over a month's border.
        let nearest = months / self.months + 1;
        (0..=nearest).rev().find(|nth| self.border(*nth) <= instant).unwrap_or_default()
    }

    fn has_border(&self, instant: DateTime<Utc>) -> bool {
        self.border(self.last_border(instant)) == instant
    }
}

#[cfg(test)]
mod tests;
