//! Instants: conversion from local time, and their text.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, SecondsFormat, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// The instant at which clocks in `zone` show `local`.
///
/// If a time change skips `local`, this is the first later time that exists, in steps of 15 minutes. If `local` occurs
/// twice, it is the first of the two instants.
pub fn instant_in(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    // No time change has skipped more than a day, and those of today's time zones skip multiples of 15 minutes.
    (0..=96)
        .filter_map(|quarters| local.checked_add_signed(Duration::minutes(15 * quarters)))
        .find_map(|local| match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc()),
            LocalResult::None => None,
        })
        .unwrap_or_else(|| local.and_utc())
}

/// The text of an instant in responses: RFC 3339 in UTC with `Z`, and a fraction only if it is not zero.
pub fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The text of an instant in keys and stored items: RFC 3339 in UTC, always with milliseconds, so that the order of
/// texts is the order of instants.
pub fn sortable(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Parses RFC 3339 text with any offset. A leap second becomes the last nanosecond of the second before it, since no
/// arithmetic here knows leap seconds.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    // The parser also takes the minus sign U+2212, which RFC 3339 does not have.
    if !text.is_ascii() {
        return None;
    }
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // The parser takes a second 60 in any minute. Leap seconds end a day of UTC.
    if instant.timestamp_subsec_nanos() > 999_999_999 && (instant.hour(), instant.minute()) != (23, 59) {
        return None;
    }
    DateTime::from_timestamp(instant.timestamp(), instant.timestamp_subsec_nanos().min(999_999_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_time_is_the_end_of_the_gap_and_an_ambiguous_one_its_first_occurrence() {
        let instant = |local: &str, zone: Tz| rfc3339(instant_in(zone, local.parse().unwrap()));
        let (berlin, lord_howe) = (chrono_tz::Europe::Berlin, chrono_tz::Australia::Lord_Howe);
        assert_eq!(instant("2026-03-29T02:30:00", berlin), "2026-03-29T01:00:00Z");
        assert_eq!(instant("2026-10-25T02:30:00", berlin), "2026-10-25T00:30:00Z");
        assert_eq!(instant("2026-10-04T02:15:00", lord_howe), "2026-10-03T15:30:00Z");
        assert_eq!(instant("2026-04-05T01:45:00", lord_howe), "2026-04-04T14:45:00Z");
    }

    #[test]
    fn sortable_texts_sort_like_their_instants() {
        let whole = parse_instant("2026-11-20T10:00:00Z").unwrap();
        let later = parse_instant("2026-11-20T12:00:00.250+02:00").unwrap();
        assert!(whole < later && sortable(whole) < sortable(later));
        let leap = parse_instant("2016-12-31T23:59:60.5Z").unwrap();
        assert_eq!(rfc3339(leap), "2016-12-31T23:59:59.999999999Z");
        assert_eq!(parse_instant("2017-01-01T05:29:60.5+05:30"), Some(leap));
        for no_leap in ["2016-12-31T00:00:60Z", "2016-12-31T12:59:60Z", "2016-12-31T23:59:60+02:00"] {
            assert_eq!(parse_instant(no_leap), None, "{no_leap}");
        }
        assert_eq!(rfc3339(whole), "2026-11-20T10:00:00Z");
        assert_eq!(rfc3339(later), "2026-11-20T10:00:00.250Z");
    }
}
