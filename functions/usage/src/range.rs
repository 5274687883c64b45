//! The hours, days or months that a request covers.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::period::{Day, DayRange};
use store::compute::HourRange;

/// The length of a report's buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Hours in UTC.
    #[default]
    Hour,
    /// Days in the organization's zone.
    Day,
    /// Months in the organization's zone.
    Month,
}

impl Unit {
    /// The value of `period` and `periodType`.
    pub const fn period(self) -> &'static str {
        match self {
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Month => "monthly",
        }
    }

    /// Maximum number of buckets in a report.
    pub const fn max_buckets(self) -> i64 {
        match self {
            Self::Hour => 744,
            Self::Day => 366,
            Self::Month => 60,
        }
    }

    /// Number of buckets, the current one included, when no range is given.
    const fn default_buckets(self) -> u32 {
        match self {
            Self::Hour => 24,
            Self::Day => 30,
            Self::Month => 12,
        }
    }
}

/// A range from `start`, inclusive, to `end`, exclusive. A missing end means now; a missing start is counted back
/// from the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestedRange {
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
}

impl RequestedRange {
    /// The last instant before the end. An empty range has none.
    fn last_instant(self) -> Option<DateTime<Utc>> {
        self.end.map(|end| end - TimeDelta::nanoseconds(1))
    }

    fn is_empty(self) -> bool {
        self.start.is_some() && self.start == self.end
    }

    /// The hours that the range touches.
    pub fn hours(self, now: DateTime<Utc>) -> HourRange {
        let last = hour(self.last_instant().unwrap_or(now));
        let before = TimeDelta::hours(i64::from(Unit::Hour.default_buckets()) - 1);
        let first = self.start.map_or(last - before, hour);
        HourRange { first, last: if self.is_empty() { first - TimeDelta::hours(1) } else { last } }
    }

    /// The days that the range touches, widened to whole months if `unit` is a month.
    pub fn days(self, unit: Unit, zone: Tz, now: DateTime<Utc>) -> DayRange {
        let last = Day::of(self.last_instant().unwrap_or(now), zone);
        let start = self.start.map(|start| Day::of(start, zone));
        let before = unit.default_buckets() - 1;
        let (first, last) = if unit == Unit::Month {
            let first = start.map_or(last.month().minus(before), Day::month).first();
            (first, last.month().last())
        } else {
            (start.unwrap_or_else(|| last.minus(before)), last)
        };
        self.unless_empty(first, last)
    }

    /// The days that the range touches; without a range, those of the current month.
    pub fn days_of_total(self, zone: Tz, now: DateTime<Utc>) -> DayRange {
        let last = Day::of(self.last_instant().unwrap_or(now), zone);
        let first = self.start.map_or(last.month().first(), |start| Day::of(start, zone));
        let is_open = self == Self::default();
        self.unless_empty(first, if is_open { last.month().last() } else { last })
    }

    fn unless_empty(self, first: Day, last: Day) -> DayRange {
        DayRange { first, last: if self.is_empty() { first.minus(1) } else { last } }
    }
}

fn hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = instant.timestamp().div_euclid(3600) * 3600;
    DateTime::from_timestamp(seconds, 0).unwrap_or(instant)
}

pub fn count_hours(hours: HourRange) -> i64 {
    ((hours.last - hours.first).num_hours() + 1).max(0)
}

/// Number of days or months.
pub fn count(days: DayRange, unit: Unit) -> i64 {
    let (first, last) = (days.first.date(), days.last.date());
    let months = |date: chrono::NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
    match unit {
        _ if last < first => 0,
        Unit::Month => months(last) - months(first) + 1,
        Unit::Hour | Unit::Day => (last - first).num_days() + 1,
    }
}

#[cfg(test)]
mod tests;
