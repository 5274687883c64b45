//! An independent implementation of time zones: offsets are entered by hand, and days are found by search.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use ledger::period;

/// A zone as it is from August to December 2026.
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: &'static str,
    /// Minutes ahead of UTC before the change.
    before: i64,
    /// The instant of the clock change, and minutes ahead of UTC after it.
    change: Option<(&'static str, i64)>,
}

const fn fixed(name: &'static str, minutes: i64) -> Zone {
    Zone { name, before: minutes, change: None }
}

const fn changing(name: &'static str, before: i64, at: &'static str, after: i64) -> Zone {
    Zone { name, before, change: Some((at, after)) }
}

/// Zones on both sides of the date line, with whole, half and quarter hours, and clock changes in both directions, by
/// an hour and by half an hour.
pub const ZONES: [Zone; 10] = [
    fixed("UTC", 0),
    changing("Europe/Berlin", 120, "2026-10-25T01:00:00Z", 60),
    changing("America/New_York", -240, "2026-11-01T06:00:00Z", -300),
    changing("America/Santiago", -240, "2026-09-06T04:00:00Z", -180),
    fixed("Asia/Kathmandu", 345),
    fixed("Asia/Kolkata", 330),
    changing("Australia/Lord_Howe", 630, "2026-10-03T15:30:00Z", 660),
    changing("Pacific/Chatham", 765, "2026-09-26T14:00:00Z", 825),
    fixed("Pacific/Kiritimati", 840),
    fixed("Pacific/Pago_Pago", -660),
];

/// Instants with all these changes within 35 days before, at ends and starts of months.
pub const NOWS: [&str; 5] = [
    "2026-09-15T12:00:00Z",
    "2026-09-30T23:59:59.999Z",
    "2026-10-10T10:10:00Z",
    "2026-11-01T00:00:00Z",
    "2026-11-10T03:20:30Z",
];

impl Zone {
    fn ahead(&self, instant: DateTime<Utc>) -> TimeDelta {
        let change = self.change.map(|(at, minutes)| (period::parse_instant(at).unwrap(), minutes));
        let minutes = change.filter(|(at, _)| *at <= instant).map_or(self.before, |(_, after)| after);
        TimeDelta::minutes(minutes)
    }

    /// The local date.
    pub fn date(&self, instant: DateTime<Utc>) -> NaiveDate {
        (instant + self.ahead(instant)).date_naive()
    }

    /// The first instant of a date.
    pub fn start(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc();
        let instants = (-15 * 4..=15 * 4).map(|quarters| midnight + TimeDelta::minutes(15 * quarters));
        instants.into_iter().find(|instant| self.date(*instant) == date).unwrap()
    }
}

/// The first day of the month.
pub fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap()
}
