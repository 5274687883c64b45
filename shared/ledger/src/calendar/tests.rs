use proptest::prelude::*;

use super::*;

const DEFAULT: &[Dimension] = &Dimension::TRACKED_BY_DEFAULT;

const ZONES: [Tz; 8] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__Santiago,
    Tz::Asia__Kathmandu,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Chatham,
    Tz::Pacific__Kiritimati,
    Tz::Etc__GMTPlus12,
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

proptest! {
    #[test]
    fn a_days_events_are_found_in_its_utc_days(zone in prop::sample::select(&ZONES[..]), quarter in 0..40_000_i64) {
        let calendar = Calendar { zone, ..Calendar::default() };
        let instant = at("2026-01-01T00:07:30Z") + TimeDelta::minutes(15 * quarter);
        let (local, utc) = (calendar.day(instant).unwrap(), Day::of(instant, Tz::UTC));
        prop_assert!(calendar.utc_days(local).contains(utc));
        prop_assert!(calendar.utc_days(utc).contains(utc));
        prop_assert!(calendar.days_of_utc(utc).contains(local));
        prop_assert!(calendar.utc_days(local).days().count() <= 3);
    }

    /// The calendar of a zone that follows another from a day on has every instant once: on a day of its own, or on one
    /// of the earlier calendar before that day.
    #[test]
    fn every_instant_is_on_one_day_where_a_calendar_continues_another(
        old in prop::sample::select(&ZONES[..]),
        new in prop::sample::select(&ZONES[..]),
        quarter in 0..600_i64,
    ) {
        let first = day("2026-03-29");
        let since = CalendarStart { day: first, instant: first.start(old) };
        let calendar = Calendar { generation: Generation::new(1), zone: new, since: Some(since) };
        let instant = at("2026-03-26T00:00:00Z") + TimeDelta::minutes(15 * quarter);
        match calendar.day(instant) {
            Some(day) => {
                prop_assert!(day >= first && Day::of(instant, old) >= first);
                prop_assert!(calendar.utc_days(day).contains(Day::of(instant, Tz::UTC)));
            }
            None => prop_assert!(Day::of(instant, old) < first),
        }
    }
}

fn calendars() -> Calendars {
    Calendars::default()
}

const NOON: &str = "2026-09-15T12:00:00Z";

#[test]
fn a_change_is_shown_once_it_is_finished() {
    let (mut all, now) = (calendars(), at(NOON));
    all.request(Tz::Europe__Berlin, DEFAULT, now, false).unwrap();
    assert_eq!((all.active, all.wanted_zone()), (Calendar::default(), Tz::Europe__Berlin));
    assert_eq!(
        all.live().iter().map(|calendar| calendar.zone).collect::<Vec<_>>(),
        [Tz::UTC, Tz::Europe__Berlin]
    );
    // The same request again changes nothing.
    let before = all.clone();
    all.request(Tz::Europe__Berlin, DEFAULT, now + TimeDelta::hours(1), false).unwrap();
    assert_eq!(all, before);
    all.finish(now);
    assert_eq!((all.active.zone, all.active.generation), (Tz::Europe__Berlin, Generation::new(1)));
    assert_eq!((all.live().len(), &all.retired), (1, &vec![(Generation::FIRST, now)]));
}

#[test]
fn without_usage_a_change_is_shown_at_once_and_built_all_the_same() {
    let (mut all, now) = (calendars(), at(NOON));
    all.request(Tz::Europe__Berlin, DEFAULT, now, true).unwrap();
    assert_eq!((all.active.zone, all.live().len()), (Tz::Europe__Berlin, 1));
    assert!(all.change.is_some());
    // Another change before that, and back to a calendar that is not built yet.
    all.request(Tz::Asia__Kathmandu, DEFAULT, now, false).unwrap();
    assert_eq!((all.active.zone, all.live().len()), (Tz::Europe__Berlin, 2));
    all.request(Tz::Europe__Berlin, DEFAULT, now, false).unwrap();
    assert_eq!(all.change.as_ref().map(|change| change.to), Some(all.active));
    all.finish(now);
    assert_eq!((all.active.zone, all.live().len()), (Tz::Europe__Berlin, 1));
    let retired: Vec<_> = all.retired.iter().map(|(generation, _)| *generation).collect();
    assert_eq!(retired, [Generation::FIRST, Generation::new(2)]);
}

#[test]
fn a_change_back_cancels_the_build() {
    let (mut all, now) = (calendars(), at(NOON));
    all.request(Tz::Europe__Berlin, DEFAULT, now, false).unwrap();
    all.request(Tz::UTC, DEFAULT, now, false).unwrap();
    assert_eq!((all.active, all.change.clone(), all.retired.len()), (Calendar::default(), None, 1));
    // No generation is given out twice.
    all.request(Tz::Europe__Berlin, DEFAULT, now, false).unwrap();
    assert_eq!(all.change.unwrap().to.generation, Generation::new(2));
}

#[test]
fn generations_that_wait_for_deletion_are_limited() {
    let (mut all, now) = (calendars(), at(NOON));
    let zones = [Tz::Europe__Berlin, Tz::Asia__Kathmandu];
    let refused = (0..200).find(|nth| all.request(zones[nth % 2], DEFAULT, now, false).is_err());
    assert_eq!(refused, Some(MAX_RETIRED + 1));
    all.retired.clear();
    all.request(Tz::UTC, DEFAULT, now, false).unwrap();
}

#[test]
fn days_that_are_not_built_or_copied_are_not_recomputed() {
    let (mut all, now) = (calendars(), at(NOON));
    all.request(Tz::Europe__Berlin, DEFAULT, now, false).unwrap();
    let (first, last) = (day("2026-09-01"), day("2026-09-15"));
    let zones = |all: &Calendars, day| {
        let (complete, is_all) = all.complete(day);
        (complete.iter().map(|calendar| calendar.zone).collect::<Vec<_>>(), is_all)
    };
    assert_eq!(zones(&all, first), (vec![Tz::UTC], false));
    let change = all.change.as_mut().unwrap();
    let since = CalendarStart { day: day("2026-09-03"), instant: at("2026-09-03T00:00:00Z") };
    change.to.since = Some(since);
    let done = Some(day("2026-09-04"));
    change.build = Some(CalendarBuild { started: now, first, last, done, leased_until: now });
    assert_eq!(zones(&all, day("2026-09-02")), (vec![Tz::UTC], true));
    assert_eq!(zones(&all, day("2026-09-03")), (vec![Tz::UTC, Tz::Europe__Berlin], true));
    assert_eq!(zones(&all, day("2026-09-05")), (vec![Tz::UTC], false));
    all.finish(now);
    assert_eq!(zones(&all, day("2026-09-02")), (vec![], true));
    assert_eq!(zones(&all, day("2026-09-03")), (vec![Tz::Europe__Berlin], true));
}

#[test]
fn calls_of_expired_or_copied_days_are_not_repriced() {
    let (mut all, today) = (calendars(), day("2026-09-15"));
    assert_eq!(all.oldest_repriced_day(today, 30), day("2026-08-19"));
    all.request(Tz::Europe__Berlin, DEFAULT, at(NOON), false).unwrap();
    let since = CalendarStart { day: day("2026-08-20"), instant: at("2026-08-20T00:00:00Z") };
    all.change.as_mut().unwrap().to.since = Some(since);
    for _ in 0..2 {
        // The last hours of the 19th in UTC are on the 20th in Berlin, together with expired events.
        assert_eq!(all.oldest_repriced_day(today, 30), day("2026-08-21"));
        assert_eq!(all.oldest_repriced_day(day("2026-09-30"), 30), day("2026-09-03"));
        all.finish(at(NOON));
    }
}

#[test]
fn other_dimensions_are_another_generation_like_another_zone() {
    let (mut all, now) = (calendars(), at(NOON));
    let wanted = [Dimension::Region, Dimension::ProjectId];
    all.request(Tz::UTC, &[Dimension::TaskType, Dimension::ProjectId], now, false).unwrap();
    assert_eq!(all, calendars(), "an unchanged list starts nothing");
    all.request(Tz::UTC, &wanted, now, false).unwrap();
    let change = all.change.clone().unwrap();
    assert_eq!((change.to.zone, change.to.generation), (Tz::UTC, Generation::new(1)));
    assert!(
        all.tracked_in(Generation::FIRST).are(DEFAULT) && all.tracked_in(Generation::new(1)).are(&wanted)
    );
    // Zone and list together are one build, which replaces the one that was under way.
    all.request(Tz::Europe__Berlin, &wanted[..1], now, false).unwrap();
    assert_eq!((all.live().len(), all.retired.len()), (2, 1));
    assert!(
        all.tracked_in(Generation::new(1)).is_empty() && all.are_wanted(Tz::Europe__Berlin, &wanted[..1])
    );
    all.finish(now);
    assert!(all.tracked.are(&wanted[..1]) && all.active.zone == Tz::Europe__Berlin);
    // Back to a list that is gone: its rollups are built again.
    all.request(Tz::UTC, DEFAULT, now, false).unwrap();
    assert_eq!(all.change.unwrap().to.generation, Generation::new(3));
}

#[test]
fn copied_days_tell_apart_what_they_did_before() {
    let (old, first) = (TrackedDimensions::new(DEFAULT), day("2026-09-03"));
    let new = TrackedDimensions::new(&[Dimension::ProjectId, Dimension::Region]);
    let continued = new.continuing(&old, Some(first));
    assert!(continued.tell_apart(&Dimension::ProjectId, day("2020-01-01")));
    assert!(
        continued.tell_apart(&Dimension::Region, first)
            && !continued.tell_apart(&Dimension::Region, first.minus(1))
    );
    assert!(!continued.tell_apart(&Dimension::TaskType, first));
    assert_eq!(continued.continuing(&continued, Some(first.next())), continued);
    assert_eq!(continued.continuing(&old, None), new, "every day is built from raw events");
    let stored = serde_json::to_string(&continued).unwrap();
    assert_eq!(stored, r#"{"project_id":null,"region":"2026-09-03"}"#);
    assert_eq!(serde_json::from_str::<TrackedDimensions>(&stored).unwrap(), continued);
}
