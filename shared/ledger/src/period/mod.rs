//! Days, months and instants, and their text.

mod instant;
mod windows;

use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use instant::{instant_in, parse_instant, rfc3339, sortable};
pub use windows::Windows;

/// A calendar day in an organization's reporting time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(NaiveDate);

impl Day {
    /// The day on which `instant` falls in `zone`.
    pub fn of(instant: DateTime<Utc>, zone: Tz) -> Self {
        Self(instant.with_timezone(&zone).date_naive())
    }

    /// The day with the given date.
    pub const fn new(date: NaiveDate) -> Self {
        Self(date)
    }

    /// The date of the day.
    pub const fn date(self) -> NaiveDate {
        self.0
    }

    /// Parses `yyyy-mm-dd`.
    pub fn parse(text: &str) -> Option<Self> {
        // chrono alone would also accept signs and blanks as parts of the numbers.
        let digit_or_dash =
            |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
        let plain = text.len() == 10 && text.bytes().enumerate().all(digit_or_dash);
        plain.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().map(Self)
    }

    /// The day `days` before this one.
    #[must_use]
    pub fn minus(self, days: u32) -> Self {
        Self(self.0.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN))
    }

    /// The day after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.succ_opt().unwrap_or(NaiveDate::MAX))
    }

    /// The month that contains this day.
    pub const fn month(self) -> Month {
        Month(self.0)
    }

    /// The instant at which this day begins in `zone`. See [`instant_in`] for days whose midnight is skipped or occurs
    /// twice.
    pub fn start(self, zone: Tz) -> DateTime<Utc> {
        instant_in(zone, self.0.and_time(NaiveTime::MIN))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d").fmt(f)
    }
}

/// The oldest day of which no raw event can have expired. An event may be ingested up to 10 minutes before its day
/// begins, from a clock that runs ahead, and the day may begin 14 hours before that of UTC.
pub fn oldest_complete_day(today: Day, retention_days: u32) -> Day {
    today.minus(retention_days.saturating_sub(2))
}

/// The oldest day of UTC whose events can be repriced: in every time zone, each day that contains one of them is
/// [complete](oldest_complete_day).
pub fn oldest_repriced_day(today: Day, retention_days: u32) -> Day {
    oldest_complete_day(today, retention_days).next()
}

/// A calendar month in an organization's reporting time zone.
///
/// It holds the date of any of its days and is serialized as that date. Only year and month are compared.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(NaiveDate);

impl Month {
    fn key(self) -> (i32, u32) {
        (self.0.year(), self.0.month())
    }

    /// Parses `yyyy-mm`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 7).then(|| Day::parse(&format!("{text}-01"))).flatten().map(Day::month)
    }

    /// The first day of the month.
    pub fn first(self) -> Day {
        Day(self.0.with_day(1).unwrap_or(self.0))
    }

    /// The last day of the month.
    pub fn last(self) -> Day {
        self.next().first().minus(1)
    }

    /// The month after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.first().0.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX))
    }

    /// The month `months` before this one.
    #[must_use]
    pub fn minus(self, months: u32) -> Self {
        Self(self.first().0.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN))
    }
}

impl PartialEq for Month {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Month {}

impl PartialOrd for Month {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Month {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m").fmt(f)
    }
}

/// A range of consecutive days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    /// The first day, included.
    pub first: Day,
    /// The last day, included.
    pub last: Day,
}

impl DayRange {
    /// The last `days` days up to and including `today`.
    pub fn ending(today: Day, days: u32) -> Self {
        Self { first: today.minus(days.saturating_sub(1)), last: today }
    }

    /// All days of `month`.
    pub fn of_month(month: Month) -> Self {
        Self { first: month.first(), last: month.last() }
    }

    /// Whether `day` is in the range.
    pub fn contains(self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }

    /// The days of the range, oldest first.
    pub fn days(self) -> impl Iterator<Item = Day> {
        std::iter::successors(Some(self.first), |day| Some(day.next()))
            .take_while(move |day| *day <= self.last)
    }

    /// The months that the range overlaps, oldest first, each with the part of the range inside it.
    pub fn by_month(self) -> impl Iterator<Item = (Month, Self)> {
        std::iter::successors(Some(self.first.month()), |month| Some(month.next()))
            .take_while(move |month| month.first() <= self.last)
            .map(move |month| {
                let part = Self { first: self.first.max(month.first()), last: self.last.min(month.last()) };
                (month, part)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn only_full_dates_are_parsed() {
        assert_eq!(day("2024-02-29").to_string(), "2024-02-29");
        assert_eq!(day("0000-01-01").to_string(), "0000-01-01");
        for bad in ["", "2023-02-29", "2026-1-01", "2026- 1-01", "-001-01-01", "+202-01-01", " 202-01-01"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        for bad in ["", "2026", "2026-13", "2026-00", "2026-1", "-001-01", "2026-01-01", "2026 01"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
        assert_eq!(Month::parse("9999-12").unwrap().last().to_string(), "9999-12-31");
    }

    #[test]
    fn a_range_ending_today_includes_today() {
        let window = DayRange::ending(day("2024-03-01"), 2);
        assert_eq!(window.days().map(|d| d.to_string()).collect::<Vec<_>>(), ["2024-02-29", "2024-03-01"]);
        assert_eq!(DayRange::ending(day("2026-01-03"), 7).first, day("2025-12-28"));
    }

    #[test]
    fn a_range_is_split_at_month_boundaries() {
        let parts: Vec<_> = DayRange { first: day("2025-12-30"), last: day("2026-02-02") }
            .by_month()
            .map(|(month, part)| (month.to_string(), part.first.to_string(), part.last.to_string()))
            .collect();
        let expected = [
            ("2025-12", "2025-12-30", "2025-12-31"),
            ("2026-01", "2026-01-01", "2026-01-31"),
            ("2026-02", "2026-02-01", "2026-02-02"),
        ];
        assert_eq!(parts, expected.map(|(m, f, l)| (m.to_owned(), f.to_owned(), l.to_owned())));
    }

    #[test]
    fn a_day_begins_in_its_zone_even_if_midnight_is_skipped_or_occurs_twice() {
        let start = |date: &str, zone: Tz| rfc3339(day(date).start(zone));
        assert_eq!(start("2026-11-20", chrono_tz::UTC), "2026-11-20T00:00:00Z");
        assert_eq!(start("2026-11-20", chrono_tz::Asia::Kathmandu), "2026-11-19T18:15:00Z");
        // Santiago springs forward at midnight; Havana falls back from 1:00 to midnight.
        assert_eq!(start("2024-09-08", chrono_tz::America::Santiago), "2024-09-08T04:00:00Z");
        assert_eq!(start("2024-11-03", chrono_tz::America::Havana), "2024-11-03T04:00:00Z");
        // Samoa skipped all of December 30, 2011, so that day begins when the 31st does.
        assert_eq!(
            start("2011-12-30", chrono_tz::Pacific::Apia),
            start("2011-12-31", chrono_tz::Pacific::Apia)
        );
    }
}
