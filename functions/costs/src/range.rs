//! The range of time that a question is about, its periods, and the range that it is compared with.

use chrono::{DateTime, Datelike, Days, DurationRound, Months, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use ledger::calendar::Calendar;
use ledger::period::{self, Day, DayRange, Windows};
use web::query::QueryReader;

/// The days of a range by default; the last one is today.
const DEFAULT_DAYS: u32 = 7;
/// The smallest distance of two instants.
const TICK: TimeDelta = TimeDelta::nanoseconds(1);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// A place in time as callers state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The start of a day in the organization's zone.
    Day(Day),
    Instant(DateTime<Utc>),
}

impl Moment {
    /// The moment that a parameter states.
    pub fn from_query(query: &mut QueryReader, name: &'static str) -> Option<Self> {
        let msg = "Input should be a date, yyyy-mm-dd, or a valid RFC 3339 date and time";
        query.parsed(name, "datetime_parsing", msg, Self::parse)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Day::parse(text).map(Self::Day).or_else(|| period::parse_instant(text).map(Self::Instant))
    }

    fn instant(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.start(zone),
            Self::Instant(instant) => instant,
        }
    }
}

/// The length of the periods that figures are shown by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    /// One period: the whole range.
    #[default]
    Total,
    Month,
    /// From Monday on.
    Week,
    Day,
    /// Of UTC.
    Hour,
}

impl Granularity {
    pub const ALL: [(&'static str, Self); 5] = [
        ("total", Self::Total),
        ("month", Self::Month),
        ("week", Self::Week),
        ("day", Self::Day),
        ("hour", Self::Hour),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// Instants from `from` to `to`, which is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub calendar: Calendar,
}

impl Range {
    /// The range between two moments. By default it ends with today, and has [`DEFAULT_DAYS`] days.
    pub fn new(from: Option<Moment>, to: Option<Moment>, calendar: Calendar, now: DateTime<Utc>) -> Self {
        let zone = calendar.zone;
        let to = to.unwrap_or(Moment::Day(Day::of(now, zone).next())).instant(zone);
        let default = || Day::of(to - TICK, zone).next().minus(DEFAULT_DAYS).start(zone);
        let from = from.map_or_else(default, |from| from.instant(zone));
        Self { from, to, calendar }
    }

    /// The days of the range, if all of them are whole.
    pub fn days(self) -> Option<DayRange> {
        let zone = self.calendar.zone;
        let (first, after) = (Day::of(self.from, zone), Day::of(self.to, zone));
        let is_whole = first.start(zone) == self.from && after.start(zone) == self.to;
        is_whole.then(|| DayRange { first, last: after.minus(1) })
    }

    /// The days that the range overlaps.
    pub fn overlapped(self) -> DayRange {
        self.days_in(self.calendar.zone)
    }

    /// The days of UTC that the range overlaps, under which raw events are stored.
    pub fn utc_days(self) -> DayRange {
        self.days_in(Tz::UTC)
    }

    fn days_in(self, zone: Tz) -> DayRange {
        DayRange { first: Day::of(self.from, zone), last: Day::of(self.to - TICK, zone) }
    }

    /// Whether it consists of whole hours of UTC.
    pub fn is_of_hours(self) -> bool {
        let is_whole = |instant: DateTime<Utc>| instant.duration_trunc(HOUR) == Ok(instant);
        is_whole(self.from) && is_whole(self.to)
    }

    /// Whether it is longer than this many days, the longest of which has 25 hours.
    pub fn exceeds(self, days: u32) -> bool {
        match self.days() {
            Some(range) => days_between(range.first, range.last) >= i64::from(days),
            None => self.to - self.from > TimeDelta::days(days.into()),
        }
    }

    pub fn contains(self, instant: DateTime<Utc>) -> bool {
        self.from <= instant && instant < self.to
    }
}

fn days_between(first: Day, last: Day) -> i64 {
    (last.date() - first.date()).num_days()
}

/// Consecutive periods that cover a range.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    granularity: Granularity,
    zone: Tz,
    first: Day,
    first_hour: DateTime<Utc>,
    pub count: usize,
}

impl Periods {
    pub fn new(granularity: Granularity, range: Range) -> Self {
        let DayRange { first, last } = range.overlapped();
        let first_hour = range.from.duration_trunc(HOUR).unwrap_or(range.from);
        let mut periods = Self { granularity, zone: range.calendar.zone, first, first_hour, count: 0 };
        periods.count = 1 + match granularity {
            Granularity::Hour => periods.of_instant(range.to - TICK),
            _ => periods.of_day(last),
        };
        periods
    }

    /// The period of a day, by position. Periods are not shorter than a day.
    fn of_day(&self, day: Day) -> usize {
        let months = |day: Day| i64::from(day.date().year()) * 12 + i64::from(day.date().month0());
        let position = match self.granularity {
            Granularity::Total => 0,
            Granularity::Month => months(day) - months(self.first),
            Granularity::Week => days_between(monday(self.first), monday(day)) / 7,
            Granularity::Day | Granularity::Hour => days_between(self.first, day),
        };
        usize::try_from(position).unwrap_or_default()
    }

    fn of_instant(&self, instant: DateTime<Utc>) -> usize {
        match self.granularity {
            Granularity::Hour => usize::try_from((instant - self.first_hour).num_hours()).unwrap_or_default(),
            _ => self.of_day(Day::of(instant, self.zone)),
        }
    }

    /// The name of a period: `2026-09`, `2026-W38`, `2026-09-15` or the start of an hour; none for the whole range.
    pub fn name(&self, position: usize) -> Option<String> {
        let steps = u32::try_from(position).unwrap_or_default();
        let later = |days: u64| self.first.date().checked_add_days(Days::new(days)).unwrap_or_default();
        Some(match self.granularity {
            Granularity::Total => return None,
            Granularity::Month => {
                let month = self.first.month().first().date().checked_add_months(Months::new(steps));
                month.unwrap_or_default().format("%Y-%m").to_string()
            }
            Granularity::Week => later(u64::from(steps) * 7).format("%G-W%V").to_string(),
            Granularity::Day => Day::new(later(steps.into())).to_string(),
            Granularity::Hour => period::rfc3339(self.first_hour + TimeDelta::hours(steps.into())),
        })
    }
}

fn monday(day: Day) -> Day {
    Day::new(day.date().week(Weekday::Mon).first_day())
}

/// The distance from an earlier range to the one that it is compared with.
#[derive(Clone, Copy, Debug)]
enum Shift {
    None,
    Months(u32),
    Days(u64),
    Span(TimeDelta),
}

/// Which of two ranges figures are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Now,
    Before,
}

/// A range that is read, and the period that each of its instants is shown in.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub side: Side,
    pub range: Range,
    periods: Periods,
    shift: Shift,
}

impl Part {
    /// The range that a question is about.
    pub const fn now(range: Range, periods: Periods) -> Self {
        Self { side: Side::Now, range, periods, shift: Shift::None }
    }

    /// The range before it: as many months if it consists of whole months and is shown by months or as a whole, else as
    /// many days if it consists of whole days and is not shown by hours, else as much time.
    pub fn before(range: Range, periods: Periods) -> Self {
        let by_months = matches!(periods.granularity, Granularity::Total | Granularity::Month);
        let whole = range.days().filter(|_| periods.granularity != Granularity::Hour);
        let (from, shift) = match whole {
            Some(DayRange { first, last })
                if by_months && first == first.month().first() && last == last.month().last() =>
            {
                let months = DayRange { first, last }.by_month().count();
                let months = u32::try_from(months).unwrap_or_default();
                (first.month().minus(months).first().start(range.calendar.zone), Shift::Months(months))
            }
            Some(DayRange { first, last }) => {
                let days = u32::try_from(days_between(first, last) + 1).unwrap_or_default();
                (first.minus(days).start(range.calendar.zone), Shift::Days(days.into()))
            }
            None => {
                let span = range.to - range.from;
                (range.from.checked_sub_signed(span).unwrap_or(range.from), Shift::Span(span))
            }
        };
        Self { side: Side::Before, range: Range { from, to: range.from, ..range }, periods, shift }
    }

    /// The period that a day is shown in, by position.
    pub fn of_day(&self, day: Day) -> usize {
        let date = day.date();
        let shown = match self.shift {
            Shift::None | Shift::Span(_) => Some(date),
            Shift::Months(months) => day.month().first().date().checked_add_months(Months::new(months)),
            Shift::Days(days) => date.checked_add_days(Days::new(days)),
        };
        self.periods.of_day(shown.map_or(day, Day::new))
    }

    /// The days of each period, if the range consists of whole days.
    pub fn windows(&self) -> Option<Windows> {
        let mut windows: Vec<DayRange> = Vec::new();
        for day in self.range.days()?.days() {
            match windows.last_mut().filter(|window| self.of_day(window.last) == self.of_day(day)) {
                Some(window) => window.last = day,
                None => windows.push(DayRange { first: day, last: day }),
            }
        }
        let first = *windows.first()?;
        Some(Windows::each(first, windows.split_off(1)))
    }

    /// The period that an instant is shown in, by position.
    pub fn of_instant(&self, instant: DateTime<Utc>) -> usize {
        match self.shift {
            Shift::None => self.periods.of_instant(instant),
            Shift::Span(span) => self.periods.of_instant(instant + span),
            Shift::Months(_) | Shift::Days(_) => self.of_day(Day::of(instant, self.range.calendar.zone)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str, zone: Tz) -> Range {
        let now = period::parse_instant("2026-09-15T12:00:00Z").unwrap();
        Range::new(Moment::parse(from), Moment::parse(to), Calendar { zone, ..Calendar::default() }, now)
    }

    fn text(range: Range) -> String {
        format!("{}/{}", period::rfc3339(range.from), period::rfc3339(range.to))
    }

    #[test]
    fn the_default_range_is_seven_days_that_end_with_today_or_with_the_given_end() {
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(text(range("", "", berlin)), "2026-09-08T22:00:00Z/2026-09-15T22:00:00Z");
        assert_eq!(text(range("", "2026-09-03", Tz::UTC)), "2026-08-27T00:00:00Z/2026-09-03T00:00:00Z");
        assert_eq!(
            text(range("", "2026-09-03T10:00:00Z", Tz::UTC)),
            "2026-08-28T00:00:00Z/2026-09-03T10:00:00Z"
        );
    }

    #[test]
    fn days_are_whole_if_both_ends_are_midnights_of_the_zone() {
        let kathmandu = chrono_tz::Asia::Kathmandu;
        let days = |from: &str, to: &str| {
            range(from, to, kathmandu).days().map(|days| (days.first.to_string(), days.last.to_string()))
        };
        let one = Some(("2026-09-01".to_owned(), "2026-09-01".to_owned()));
        assert_eq!(days("2026-09-01", "2026-09-02"), one);
        assert_eq!(days("2026-08-31T18:15:00Z", "2026-09-02"), one);
        assert_eq!(days("2026-08-31T18:15:01Z", "2026-09-02"), None);
        assert_eq!(days("2026-09-01", "2026-09-02T00:00:00Z"), None);
    }

    fn names(granularity: Granularity, range: Range) -> Vec<String> {
        let periods = Periods::new(granularity, range);
        (0..periods.count).filter_map(|position| periods.name(position)).collect()
    }

    #[test]
    fn periods_cover_the_range() {
        let year_end = range("2026-12-28", "2027-02-01", Tz::UTC);
        assert_eq!(names(Granularity::Month, year_end), ["2026-12", "2027-01"]);
        assert_eq!(
            names(Granularity::Week, year_end),
            ["2026-W53", "2027-W01", "2027-W02", "2027-W03", "2027-W04"]
        );
        assert_eq!(
            names(Granularity::Day, range("2028-02-28", "2028-03-01", Tz::UTC)),
            ["2028-02-28", "2028-02-29"]
        );
        // A day of 25 hours, and a zone whose hours are not those of UTC.
        assert_eq!(
            names(Granularity::Hour, range("2026-10-25", "2026-10-26", chrono_tz::Europe::Berlin)).len(),
            25
        );
        let kathmandu =
            names(Granularity::Hour, range("2026-09-01", "2026-09-02", chrono_tz::Asia::Kathmandu));
        assert_eq!((kathmandu.len(), kathmandu[0].as_str()), (25, "2026-08-31T18:00:00Z"));
        assert!(names(Granularity::Total, year_end).is_empty());
    }

    fn before(from: &str, to: &str, granularity: Granularity, zone: Tz) -> Part {
        let range = range(from, to, zone);
        Part::before(range, Periods::new(granularity, range))
    }

    #[test]
    fn months_are_compared_with_months_and_days_with_days() {
        let total = |from: &str, to: &str| text(before(from, to, Granularity::Total, Tz::UTC).range);
        assert_eq!(total("2026-09-01", "2026-10-01"), "2026-08-01T00:00:00Z/2026-09-01T00:00:00Z");
        assert_eq!(total("2026-07-01", "2026-10-01"), "2026-04-01T00:00:00Z/2026-07-01T00:00:00Z");
        assert_eq!(total("2026-09-02", "2026-10-01"), "2026-08-04T00:00:00Z/2026-09-02T00:00:00Z");
        assert_eq!(
            total("2026-09-01T06:00:00Z", "2026-09-01T07:00:00Z"),
            "2026-09-01T05:00:00Z/2026-09-01T06:00:00Z"
        );
        // By days, September has no 31st to compare with.
        let by_day = before("2026-09-01", "2026-10-01", Granularity::Day, Tz::UTC);
        assert_eq!(text(by_day.range), "2026-08-02T00:00:00Z/2026-09-01T00:00:00Z");
        let day = |text| Day::parse(text).unwrap();
        assert_eq!((by_day.of_day(day("2026-08-02")), by_day.of_day(day("2026-08-31"))), (0, 29));
        let by_month = before("2026-07-01", "2026-10-01", Granularity::Month, Tz::UTC);
        assert_eq!((by_month.of_day(day("2026-04-30")), by_month.of_day(day("2026-06-01"))), (0, 2));
    }

    #[test]
    fn a_clock_change_does_not_move_the_days_that_are_compared() {
        let part = before("2026-10-26", "2026-11-02", Granularity::Day, chrono_tz::Europe::Berlin);
        assert_eq!(text(part.range), "2026-10-18T22:00:00Z/2026-10-25T23:00:00Z");
        let at = |text| period::parse_instant(text).unwrap();
        assert_eq!(part.of_instant(at("2026-10-18T22:00:00Z")), 0);
        assert_eq!(part.of_instant(at("2026-10-25T22:59:59Z")), 6);
    }
}
