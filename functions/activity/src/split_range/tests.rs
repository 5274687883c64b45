use std::collections::BTreeMap;

use ledger::period::parse_instant;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    parse_instant(&format!("2026-{text}Z")).unwrap()
}

fn range(oldest: &str, newest: &str) -> TimeRange {
    TimeRange { newest: at(newest), oldest: at(oldest) }
}

#[test]
fn only_whole_settled_hours_are_taken_from_counts() {
    let now = at("03-31T12:10:00");
    let parts = |oldest: &str, newest: &str| {
        let split = SplitRange::new(range(oldest, newest), now);
        (split.head, split.hours, split.tail)
    };
    // The hour that ended ten minutes ago is the last one trusted.
    assert_eq!(
        parts("03-31T09:30:00", "03-31T12:10:00"),
        (
            Some(range("03-31T12:00:00", "03-31T12:10:00")),
            Some(range("03-31T10:00:00", "03-31T11:59:59.999")),
            Some(range("03-31T09:30:00", "03-31T09:59:59.999")),
        )
    );
    // A whole hour, to the millisecond.
    assert_eq!(
        parts("03-31T09:00:00", "03-31T09:59:59.999"),
        (None, Some(range("03-31T09:00:00", "03-31T09:59:59.999")), None)
    );
    // One millisecond less at either end leaves no whole hour.
    for (oldest, newest) in [
        ("03-31T09:00:00.001", "03-31T09:59:59.999"),
        ("03-31T09:00:00", "03-31T09:59:59.998"),
        ("03-31T11:59:59.999", "03-31T12:59:59.999"),
    ] {
        assert_eq!(parts(oldest, newest), (Some(range(oldest, newest)), None, None));
    }
    // One millisecond earlier the last hour has not settled.
    let early = SplitRange::new(range("03-31T11:00:00", "03-31T12:00:00"), now - TICK);
    assert_eq!((early.head, early.hours), (Some(early.whole), None));
}

#[test]
fn days_of_counts_span_month_and_year_ends() {
    let now = parse_instant("2026-12-31T23:59:59.999Z").unwrap();
    let oldest = parse_instant("2025-12-31T22:30:00Z").unwrap();
    let days = SplitRange::new(TimeRange { newest: now, oldest }, now).days().unwrap();
    assert_eq!((days.first.to_string(), days.last.to_string()), ("2025-12-31".into(), "2026-12-31".into()));
}

/// Counts entries, given as minutes before `now`, as the tables would.
fn counted(minutes: &[i64], split: &SplitRange, now: DateTime<Utc>) -> PartCounts {
    let times: Vec<_> = minutes.iter().map(|ago| now - TimeDelta::minutes(*ago)).collect();
    let within = |range: Option<TimeRange>| {
        let is_in = |time: &&DateTime<Utc>| range.is_some_and(|s| s.oldest <= **time && **time <= s.newest);
        u64::try_from(times.iter().filter(is_in).count()).unwrap()
    };
    let mut days: BTreeMap<Day, ActivityDay> = BTreeMap::new();
    for time in &times {
        let day = days.entry(Day::of(*time, Tz::UTC)).or_default();
        let hour = u32::try_from(time.timestamp() / 3600 % 24).unwrap();
        *day.hours.entry(hour).or_default().entry("x".to_owned()).or_default() += 1;
    }
    let days: Vec<_> = days.into_iter().collect();
    assert_eq!(split.hours(&days, Some("y")), []);
    assert_eq!(split.hours(&days, None), split.hours(&days, Some("x")));
    PartCounts { head: within(split.head), hours: split.hours(&days, None), tail: within(split.tail) }
}

proptest! {
    #[test]
    fn part_counts_add_up_and_every_offset_is_found(
        minutes in prop::collection::vec(0_i64..6_000, 0..80),
        from in 0_i64..6_500,
        length in 0_i64..6_500,
        now in 0_i64..120,
    ) {
        let now = at("03-31T12:00:00") + TimeDelta::minutes(now);
        let newest = now - TimeDelta::minutes(from);
        let whole = TimeRange { newest, oldest: newest - TimeDelta::minutes(length) };
        let split = SplitRange::new(whole, now);
        let counted = counted(&minutes, &split, now);
        let mut listed: Vec<_> = minutes.iter().map(|ago| now - TimeDelta::minutes(*ago)).collect();
        listed.retain(|time| whole.oldest <= *time && *time <= whole.newest);
        listed.sort_by_key(|time| std::cmp::Reverse(*time));
        prop_assert_eq!(counted.total(), u64::try_from(listed.len()).unwrap());
        for (offset, time) in listed.iter().enumerate() {
            let start = counted.start(&split, u64::try_from(offset).unwrap()).unwrap();
            let rest: Vec<_> = listed.iter().filter(|time| **time <= start.newest).collect();
            let skip = usize::try_from(start.skip).unwrap();
            prop_assert_eq!(rest[skip], time);
            prop_assert_eq!(listed.len() - rest.len() + skip, offset);
            let ranges = counted.ranges(&split, start.newest);
            prop_assert!(ranges.windows(2).all(|pair| pair[1].newest < pair[0].oldest - TICK));
            let found = |time: &&&DateTime<Utc>| ranges.iter().any(|s| s.oldest <= ***time && ***time <= s.newest);
            prop_assert_eq!(rest.iter().filter(found).count(), rest.len());
        }
        prop_assert_eq!(counted.start(&split, counted.total()), None);
    }
}
