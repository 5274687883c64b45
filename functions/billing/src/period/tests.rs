use chrono::{NaiveDate, TimeDelta, Timelike};
use ledger::period::{parse_instant, rfc3339};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    parse_instant(text).unwrap()
}

fn plan(start: &str, end: &str, billing_cycle: BillingCycle) -> PlanSettings {
    PlanSettings {
        billing_cycle,
        current_period_start: Some(at(start)),
        current_period_end: Some(at(end)),
        ..PlanSettings::default()
    }
}

fn written(period: Period) -> (String, String) {
    (rfc3339(period.start), rfc3339(period.end))
}

#[track_caller]
fn check(plan: &PlanSettings, zone: Tz, now: &str, start: &str, end: &str) {
    assert_eq!(written(current(plan, zone, at(now))), (start.to_owned(), end.to_owned()), "{now}");
}

#[test]
fn a_period_from_the_31st_ends_on_the_last_day_of_shorter_months() {
    let monthly = plan("2027-12-31T09:30:00Z", "2028-01-31T09:30:00Z", BillingCycle::Monthly);
    for (now, start, end) in [
        // The given period holds before it begins and up to its last instant.
        ("2027-01-01T00:00:00Z", "2027-12-31T09:30:00Z", "2028-01-31T09:30:00Z"),
        ("2028-01-31T09:29:59.999Z", "2027-12-31T09:30:00Z", "2028-01-31T09:30:00Z"),
        ("2028-01-31T09:30:00Z", "2028-01-31T09:30:00Z", "2028-02-29T09:30:00Z"),
        ("2028-02-29T09:30:00Z", "2028-02-29T09:30:00Z", "2028-03-31T09:30:00Z"),
        ("2028-04-30T09:29:59Z", "2028-03-31T09:30:00Z", "2028-04-30T09:30:00Z"),
        ("2028-04-30T09:30:00Z", "2028-04-30T09:30:00Z", "2028-05-31T09:30:00Z"),
        ("2029-02-28T09:29:59Z", "2029-01-31T09:30:00Z", "2029-02-28T09:30:00Z"),
        ("2031-12-31T09:30:00Z", "2031-12-31T09:30:00Z", "2032-01-31T09:30:00Z"),
    ] {
        check(&monthly, Tz::UTC, now, start, end);
    }
}

#[test]
fn an_annual_period_from_a_leap_day_ends_on_the_28th_until_the_next_leap_year() {
    let annual = plan("2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z", BillingCycle::Annual);
    for (now, start, end) in [
        ("2025-02-27T23:59:59Z", "2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z"),
        ("2025-02-28T00:00:00Z", "2025-02-28T00:00:00Z", "2026-02-28T00:00:00Z"),
        ("2028-02-28T23:59:59Z", "2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z"),
    ] {
        check(&annual, Tz::UTC, now, start, end);
    }
}

#[test]
fn months_follow_the_zone_that_the_given_period_follows() {
    // Local midnights of July 1 and August 1 in daylight saving time.
    let local = plan("2026-06-30T22:00:00Z", "2026-07-31T22:00:00Z", BillingCycle::Monthly);
    let berlin = Tz::Europe__Berlin;
    check(&local, berlin, "2026-08-10T00:00:00Z", "2026-07-31T22:00:00Z", "2026-08-31T22:00:00Z");
    check(&local, berlin, "2026-10-10T00:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z");
    check(&local, berlin, "2027-02-10T00:00:00Z", "2027-01-31T23:00:00Z", "2027-02-28T23:00:00Z");
    // The 31st in UTC is the evening of the 30th in New York, so this period does not follow New York's calendar.
    let utc = plan("2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", BillingCycle::Monthly);
    let new_york = Tz::America__New_York;
    check(&utc, new_york, "2026-03-10T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z");
    check(&utc, new_york, "2026-06-10T00:00:00Z", "2026-05-31T00:00:00Z", "2026-06-30T00:00:00Z");
}

#[test]
fn a_period_of_no_whole_cycle_is_followed_by_cycles_from_its_end() {
    let odd = plan("2026-08-01T00:00:00Z", "2026-08-31T12:00:00Z", BillingCycle::Monthly);
    check(&odd, Tz::UTC, "2026-09-01T00:00:00Z", "2026-08-31T12:00:00Z", "2026-09-30T12:00:00Z");
    check(&odd, Tz::UTC, "2026-10-01T00:00:00Z", "2026-09-30T12:00:00Z", "2026-10-31T12:00:00Z");
    // A period of several cycles is followed by single ones.
    let quarter = plan("2025-11-30T00:00:00Z", "2026-02-28T00:00:00Z", BillingCycle::Monthly);
    check(&quarter, Tz::UTC, "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-30T00:00:00Z");
    // The second 02:30 of that night in Berlin, after the clocks were set back.
    let twice = plan("2026-10-01T00:00:00Z", "2026-10-25T01:30:00Z", BillingCycle::Monthly);
    let berlin = Tz::Europe__Berlin;
    check(&twice, berlin, "2026-10-26T00:00:00Z", "2026-10-25T01:30:00Z", "2026-11-25T01:30:00Z");
}

#[test]
fn a_period_that_ends_at_23_59_includes_that_day() {
    for end in ["2026-09-30T23:59:59Z", "2026-09-30T23:59:59.999Z", "2026-09-30T23:59:00Z"] {
        let inclusive = plan("2026-09-01T00:00:00Z", end, BillingCycle::Monthly);
        let (september, october) = ("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z");
        check(&inclusive, Tz::UTC, "2026-09-30T23:59:59.5Z", september, october);
        check(&inclusive, Tz::UTC, "2026-10-31T23:59:59Z", october, "2026-11-01T00:00:00Z");
        assert_eq!(current(&inclusive, Tz::UTC, at(september)).days(Tz::UTC).last.to_string(), "2026-09-30");
        // In UTC, whatever the zone.
        check(&inclusive, Tz::America__New_York, "2026-09-30T23:59:59.5Z", september, october);
    }
    let local = plan("2026-06-30T22:00:00Z", "2026-07-31T21:59:59Z", BillingCycle::Monthly);
    let berlin = Tz::Europe__Berlin;
    check(&local, berlin, "2026-07-31T21:59:59Z", "2026-06-30T22:00:00Z", "2026-07-31T22:00:00Z");
    check(&local, berlin, "2026-08-10T00:00:00Z", "2026-07-31T22:00:00Z", "2026-08-31T22:00:00Z");
    // Periods that start or end at any other time are taken literally.
    let odd = plan("2026-09-01T00:00:00Z", "2026-09-30T23:58:59Z", BillingCycle::Monthly);
    check(&odd, Tz::UTC, "2026-09-02T00:00:00Z", "2026-09-01T00:00:00Z", "2026-09-30T23:58:59Z");
    let odd = plan("2026-08-30T23:59:59Z", "2026-09-30T23:59:59Z", BillingCycle::Monthly);
    check(&odd, Tz::UTC, "2026-09-02T00:00:00Z", "2026-08-30T23:59:59Z", "2026-09-30T23:59:59Z");
}

#[test]
fn without_a_period_the_calendar_month_of_the_zone_counts() {
    let none = PlanSettings::default();
    for (zone, now, start, end) in [
        (Tz::UTC, "2028-02-29T23:59:59Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        (Tz::UTC, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (Tz::Asia__Kathmandu, "2026-12-31T18:15:00Z", "2026-12-31T18:15:00Z", "2027-01-31T18:15:00Z"),
        (Tz::Asia__Kathmandu, "2026-12-31T18:14:59Z", "2026-11-30T18:15:00Z", "2026-12-31T18:15:00Z"),
        (Tz::Europe__Berlin, "2026-10-15T00:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        (Tz::Pacific__Chatham, "2026-09-30T10:14:59Z", "2026-08-31T11:15:00Z", "2026-09-30T10:15:00Z"),
    ] {
        check(&none, zone, now, start, end);
    }
}

#[test]
fn a_period_includes_its_first_day_and_not_the_day_of_its_end() {
    let days = |start: &str, end: &str, zone| {
        let days = Period { start: at(start), end: at(end) }.days(zone);
        (days.first.to_string(), days.last.to_string())
    };
    let is = |first: &str, last: &str| (first.to_owned(), last.to_owned());
    let (start, end) = ("2026-08-31T18:15:00Z", "2026-09-30T18:14:59Z");
    assert_eq!(days(start, end, Tz::UTC), is("2026-08-31", "2026-09-29"));
    assert_eq!(days(start, end, Tz::Asia__Kathmandu), is("2026-09-01", "2026-09-29"));
    assert_eq!(days(start, "2026-09-30T18:15:00Z", Tz::Asia__Kathmandu), is("2026-09-01", "2026-09-30"));
    assert_eq!(days(start, "2026-08-31T19:00:00Z", Tz::UTC), is("2026-08-31", "2026-08-31"));
}

/// The `nth` boundary, computed month by month from a table of lengths.
fn boundary(anchor: DateTime<Utc>, months: u32, nth: u32) -> DateTime<Utc> {
    let (mut year, mut month) = (anchor.year(), anchor.month());
    for _ in 0..nth * months {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let day = anchor.day().min(length[month as usize - 1]);
    NaiveDate::from_ymd_opt(year, month, day).unwrap().and_time(anchor.time()).and_utc()
}

const ZONES: [Tz; 7] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::America__Santiago,
    Tz::Asia__Kathmandu,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Chatham,
];

proptest! {
    #[test]
    fn periods_are_counted_from_the_original_anchor(
        start in 0_i64..4_000_000_000,
        annual in any::<bool>(),
        given in 1_u32..4,
        later in 0_i64..1_000_000_000,
    ) {
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let months = if annual { 12 } else { 1 };
        let end = boundary(start, months, given);
        let now = end + TimeDelta::seconds(later);
        let cycle = if annual { BillingCycle::Annual } else { BillingCycle::Monthly };
        let found = current(&plan(&rfc3339(start), &rfc3339(end), cycle), Tz::UTC, now);
        let nth = (given..1_000).find(|nth| now < boundary(start, months, nth + 1)).unwrap();
        let expected = Period { start: boundary(start, months, nth), end: boundary(start, months, nth + 1) };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn periods_follow_each_other_without_gap_or_overlap(
        start in 0_i64..4_000_000_000,
        length in 1_i64..100_000_000,
        annual in any::<bool>(),
        zone in prop::sample::select(ZONES.to_vec()),
        later in 0_i64..1_000_000_000,
    ) {
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let end = start + TimeDelta::seconds(length);
        let cycle = if annual { BillingCycle::Annual } else { BillingCycle::Monthly };
        let plan = plan(&rfc3339(start), &rfc3339(end), cycle);
        let now = end + TimeDelta::seconds(later);
        let this = current(&plan, zone, now);
        prop_assert!(this.start <= now && now < this.end, "{:?}", this);
        prop_assert_eq!(current(&plan, zone, this.start), this);
        prop_assert_eq!(current(&plan, zone, this.end - TimeDelta::nanoseconds(1)), this);
        let next = current(&plan, zone, this.end);
        prop_assert_eq!(next.start, this.end);
        // The days do as well.
        prop_assert_eq!(this.days(zone).last.next(), next.days(zone).first);
        prop_assert!(this.start.nanosecond() == 0 && this.start >= end);
    }
}
