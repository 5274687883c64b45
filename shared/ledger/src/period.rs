//! Days, months and instants: how time is cut and how it is written.

use std::fmt;

use chrono::{
    DateTime, Datelike, Days, Duration, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime,
    SecondsFormat, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A calendar day in an organisation's reporting time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(NaiveDate);

impl Day {
    /// The day on which `instant` falls in `zone`.
    pub fn of(instant: DateTime<Utc>, zone: Tz) -> Self {
        Self(instant.with_timezone(&zone).date_naive())
    }

    /// The day with this date.
    pub const fn new(date: NaiveDate) -> Self {
        Self(date)
    }

    /// The day's date.
    pub const fn date(self) -> NaiveDate {
        self.0
    }

    /// A day written as `yyyy-mm-dd`.
    pub fn parse(text: &str) -> Option<Self> {
        // Signs and blanks, which chrono would take for part of a number, are none.
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

    /// The month that this day is in.
    pub const fn month(self) -> Month {
        Month(self.0)
    }

    /// The instant at which this day begins in `zone`, see [`instant_in`].
    pub fn start(self, zone: Tz) -> DateTime<Utc> {
        instant_in(zone, self.0.and_time(NaiveTime::MIN))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d").fmt(f)
    }
}

/// A calendar month in an organisation's reporting time zone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(NaiveDate);

impl Month {
    fn key(self) -> (i32, u32) {
        (self.0.year(), self.0.month())
    }

    /// A month written as `yyyy-mm`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 7).then(|| Day::parse(&format!("{text}-01"))).flatten().map(Day::month)
    }

    /// Its first day.
    pub fn first(self) -> Day {
        Day(self.0.with_day(1).unwrap_or(self.0))
    }

    /// Its last day.
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

/// Consecutive days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
}

impl DayRange {
    /// The `days` days that end with `today`, today included.
    pub fn ending(today: Day, days: u32) -> Self {
        Self { first: today.minus(days.saturating_sub(1)), last: today }
    }

    /// All the days of `month`.
    pub fn of_month(month: Month) -> Self {
        Self { first: month.first(), last: month.last() }
    }

    /// Whether `day` is one of them.
    pub fn contains(self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }

    /// Its days, oldest first.
    pub fn days(self) -> impl Iterator<Item = Day> {
        std::iter::successors(Some(self.first), |day| Some(day.next()))
            .take_while(move |day| *day <= self.last)
    }

    /// The months that it touches, oldest first, each with the part of the range that lies in it.
    pub fn by_month(self) -> impl Iterator<Item = (Month, Self)> {
        std::iter::successors(Some(self.first.month()), |month| Some(month.next()))
            .take_while(move |month| month.first() <= self.last)
            .map(move |month| {
                let part = Self { first: self.first.max(month.first()), last: self.last.min(month.last()) };
                (month, part)
            })
    }
}

/// The instant at which the clocks in `zone` show `local`.
///
/// A time that the clocks skip is the first instant after it that exists, by quarters of an hour; of a time that comes
/// twice it is the first.
pub fn instant_in(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    // No zone has ever skipped more than a day; a quarter of an hour divides every gap there has been.
    (0..=96)
        .filter_map(|quarters| local.checked_add_signed(Duration::minutes(15 * quarters)))
        .find_map(|local| match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc()),
            LocalResult::None => None,
        })
        .unwrap_or_else(|| local.and_utc())
}

/// An instant as every answer writes it: RFC 3339 in UTC with `Z`, fractions only where there are any.
pub fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// An instant as keys and stored items write it: always three decimals, so that text order is time order.
pub fn sortable(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An instant from RFC 3339 text with any offset. Time as it is counted here has no leap seconds: one is the last moment
/// of the second before it.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    DateTime::from_timestamp(instant.timestamp(), instant.timestamp_subsec_nanos().min(999_999_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_date_is_written_in_full_and_in_no_other_way() {
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
    fn a_window_ends_today_and_includes_it() {
        let window = DayRange::ending(day("2024-03-01"), 2);
        assert_eq!(window.days().map(|d| d.to_string()).collect::<Vec<_>>(), ["2024-02-29", "2024-03-01"]);
        assert_eq!(DayRange::ending(day("2026-01-03"), 7).first, day("2025-12-28"));
    }

    #[test]
    fn a_range_is_split_at_the_months() {
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
    fn a_day_begins_where_its_zone_says_even_when_midnight_is_skipped_or_comes_twice() {
        let start = |date: &str, zone: Tz| rfc3339(day(date).start(zone));
        assert_eq!(start("2026-11-20", chrono_tz::UTC), "2026-11-20T00:00:00Z");
        assert_eq!(start("2026-11-20", chrono_tz::Asia::Kathmandu), "2026-11-19T18:15:00Z");
        // Santiago springs forward at midnight, Havana falls back at one o'clock to midnight.
        assert_eq!(start("2024-09-08", chrono_tz::America::Santiago), "2024-09-08T04:00:00Z");
        assert_eq!(start("2024-11-03", chrono_tz::America::Havana), "2024-11-03T04:00:00Z");
        // Samoa left out the whole of 30 December 2011: it begins and ends with the 31st.
        assert_eq!(
            start("2011-12-30", chrono_tz::Pacific::Apia),
            start("2011-12-31", chrono_tz::Pacific::Apia)
        );
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_the_first_after_it_and_one_that_comes_twice_the_first_of_both() {
        let instant = |local: &str, zone: Tz| rfc3339(instant_in(zone, local.parse().unwrap()));
        let (berlin, lord_howe) = (chrono_tz::Europe::Berlin, chrono_tz::Australia::Lord_Howe);
        assert_eq!(instant("2026-03-29T02:30:00", berlin), "2026-03-29T01:00:00Z");
        assert_eq!(instant("2026-10-25T02:30:00", berlin), "2026-10-25T00:30:00Z");
        assert_eq!(instant("2026-10-04T02:15:00", lord_howe), "2026-10-03T15:30:00Z");
        assert_eq!(instant("2026-04-05T01:45:00", lord_howe), "2026-04-04T14:45:00Z");
    }

    #[test]
    fn instants_as_text_sort_like_instants() {
        let whole = parse_instant("2026-11-20T10:00:00Z").unwrap();
        let later = parse_instant("2026-11-20T12:00:00.250+02:00").unwrap();
        assert!(whole < later && sortable(whole) < sortable(later));
        let leap = parse_instant("2016-12-31T23:59:60.5Z").unwrap();
        assert_eq!(rfc3339(leap), "2016-12-31T23:59:59.999999999Z");
        assert_eq!(rfc3339(whole), "2026-11-20T10:00:00Z");
        assert_eq!(rfc3339(later), "2026-11-20T10:00:00.250Z");
    }
}
