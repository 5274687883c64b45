use ledger::period::{parse_instant, rfc3339};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    parse_instant(text).unwrap()
}

fn requested(start: Option<&str>, end: Option<&str>) -> RequestedRange {
    RequestedRange { start: start.map(at), end: end.map(at) }
}

const NOW: &str = "2026-09-15T12:00:00Z";

fn hours(start: Option<&str>, end: Option<&str>) -> (String, String, i64) {
    let hours = requested(start, end).hours(at(NOW));
    assert_eq!(usize::try_from(count_hours(hours)).unwrap(), hours.hours().count());
    (rfc3339(hours.first), rfc3339(hours.last), count_hours(hours))
}

#[test]
fn hours_are_whole_and_end_with_the_current_one() {
    let is = |first: &str, last: &str, count| (first.to_owned(), last.to_owned(), count);
    assert_eq!(hours(None, None), is("2026-09-14T13:00:00Z", "2026-09-15T12:00:00Z", 24));
    let (ten, half_past) = (Some("2026-09-01T10:00:00Z"), Some("2026-09-01T10:30:00Z"));
    let one = is("2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z", 1);
    assert_eq!(hours(ten, half_past), one);
    assert_eq!(hours(half_past, Some("2026-09-01T11:00:00Z")), one);
    assert_eq!(hours(half_past, Some("2026-09-01T10:30:00.000000001Z")), one);
    assert_eq!(hours(half_past, Some("2026-09-01T11:00:00.001Z")).2, 2);
    assert_eq!(hours(ten, ten).2, 0);
    assert_eq!(hours(half_past, half_past).2, 0);
    assert_eq!(hours(None, ten), is("2026-08-31T10:00:00Z", "2026-09-01T09:00:00Z", 24));
    assert_eq!(hours(ten, None), is("2026-09-01T10:00:00Z", "2026-09-15T12:00:00Z", 339));
    // A range that starts after now has no hours yet.
    assert_eq!(hours(Some("2026-09-20T00:00:00Z"), None).2, 0);
    assert_eq!(hours(Some("9998-01-01T00:00:00Z"), Some("9998-12-31T23:59:60Z")).2, 8760);
}

fn days(unit: Unit, zone: Tz, start: Option<&str>, end: Option<&str>) -> (String, String, i64) {
    let days = requested(start, end).days(unit, zone, at(NOW));
    (days.first.to_string(), days.last.to_string(), count(days, unit))
}

#[test]
fn days_and_months_follow_the_zone() {
    let is = |first: &str, last: &str, count| (first.to_owned(), last.to_owned(), count);
    assert_eq!(days(Unit::Day, Tz::UTC, None, None), is("2026-08-17", "2026-09-15", 30));
    assert_eq!(days(Unit::Month, Tz::UTC, None, None), is("2025-10-01", "2026-09-30", 12));
    assert_eq!(days(Unit::Day, Tz::Pacific__Chatham, None, None), is("2026-08-18", "2026-09-16", 30));
    let (start, end) = (Some("2028-02-28T18:15:00Z"), Some("2028-02-29T18:15:00Z"));
    assert_eq!(days(Unit::Day, Tz::Asia__Kathmandu, start, end), is("2028-02-29", "2028-02-29", 1));
    assert_eq!(days(Unit::Day, Tz::UTC, start, end), is("2028-02-28", "2028-02-29", 2));
    assert_eq!(days(Unit::Month, Tz::UTC, start, end), is("2028-02-01", "2028-02-29", 1));
    let new_year = (Some("2025-12-31T11:00:00Z"), Some("2026-01-01T10:00:01Z"));
    let kiritimati = Tz::Pacific__Kiritimati;
    assert_eq!(days(Unit::Month, Tz::UTC, new_year.0, new_year.1), is("2025-12-01", "2026-01-31", 2));
    assert_eq!(days(Unit::Month, kiritimati, new_year.0, new_year.1), is("2026-01-01", "2026-01-31", 1));
    assert_eq!(days(Unit::Day, Tz::UTC, start, start).2, 0);
    assert_eq!(days(Unit::Month, Tz::UTC, start, start).2, 0);
    assert_eq!(days(Unit::Month, Tz::UTC, Some("2026-10-01T00:00:00Z"), None).2, 0);
    let end = Some("2026-03-01T00:00:00Z");
    assert_eq!(days(Unit::Day, Tz::UTC, None, end), is("2026-01-30", "2026-02-28", 30));
    assert_eq!(days(Unit::Month, Tz::UTC, None, end), is("2025-03-01", "2026-02-28", 12));
}

#[test]
fn totals_cover_the_current_month_unless_a_range_is_given() {
    let days = |start, end| {
        let days = requested(start, end).days_of_total(Tz::UTC, at(NOW));
        (days.first.to_string(), days.last.to_string())
    };
    let is = |first: &str, last: &str| (first.to_owned(), last.to_owned());
    assert_eq!(days(None, None), is("2026-09-01", "2026-09-30"));
    assert_eq!(days(Some("2026-08-03T05:00:00Z"), None), is("2026-08-03", "2026-09-15"));
    assert_eq!(days(None, Some("2026-03-01T00:00:00Z")), is("2026-02-01", "2026-02-28"));
    let start = Some("2026-03-01T00:00:00Z");
    assert_eq!(days(start, start), is("2026-03-01", "2026-02-28"));
}

proptest! {
    /// A bucket is in the range if and only if an instant of the range is in the bucket.
    #[test]
    fn a_range_is_widened_to_whole_buckets_and_no_further(
        start in 1_600_000_000_i64..1_900_000_000,
        length in 1_i64..20_000_000,
        zone in prop::sample::select(vec![
            Tz::UTC, Tz::Europe__Berlin, Tz::Asia__Kathmandu, Tz::Pacific__Chatham, Tz::America__Santiago,
        ]),
    ) {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let (start, end) = (at(start), at(start + length));
        let requested = RequestedRange { start: Some(start), end: Some(end) };
        let hours = requested.hours(at(0));
        let hour = TimeDelta::hours(1);
        prop_assert!(hours.first <= start && start < hours.first + hour);
        prop_assert!(hours.last < end && end <= hours.last + hour);
        let days = requested.days(Unit::Day, zone, at(0));
        prop_assert!(days.first.start(zone) <= start && start < days.first.next().start(zone));
        prop_assert!(days.last.start(zone) < end && end <= days.last.next().start(zone));
        let months = requested.days(Unit::Month, zone, at(0));
        prop_assert_eq!(months.first, days.first.month().first());
        prop_assert_eq!(months.last, days.last.month().last());
        prop_assert_eq!(usize::try_from(count(days, Unit::Day)).unwrap(), days.days().count());
        prop_assert_eq!(usize::try_from(count(months, Unit::Month)).unwrap(), days.by_month().count());
        // The check before the zone is known never rejects what the exact check would accept.
        for unit in [Unit::Day, Unit::Month] {
            let anywhere = count(requested.days(unit, Tz::UTC, at(0)), unit);
            prop_assert!((count(requested.days(unit, zone, at(0)), unit) - anywhere).abs() <= 2);
        }
    }
}
