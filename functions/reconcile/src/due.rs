//! Which days are due.
//!
//! A day is compared once it is over, and sealed once no event can reach it any more: events come up to 35 days late,
//! and a stream keeps a record for a day. Days whose raw events may have expired can no longer be computed.

use ledger::period::{Day, DayRange};
use store::proof::Proved;

/// Days after which no event of a day can come any more: 35 by which it may be late, one that it may spend in the
/// stream, and one since days end at different times in different zones.
pub const CLOSED_AFTER: u32 = 37;

/// The days of an organisation to be compared, and those to be sealed, oldest first.
///
/// `first` is the day of its first event, and `today` the current one, both in its zone.
pub fn due(proved: Proved, first: Day, today: Day, retention_days: u32) -> (Vec<Day>, Vec<Day>) {
    let oldest = first.max(oldest_whole(today, retention_days));
    let from = |done: Option<Day>| done.map_or(oldest, |done| done.next().max(oldest));
    let days = |first, last| DayRange { first, last }.days().collect();
    // A day that is about to be sealed is compared by that.
    let compared = from(proved.compared).max(today.minus(CLOSED_AFTER - 1));
    (days(compared, today.minus(1)), days(from(proved.sealed), today.minus(CLOSED_AFTER)))
}

/// The oldest day of which every raw event is sure to be kept. An event is taken in up to 10 minutes before its day
/// begins, by a clock that runs ahead, and the day may begin 14 hours before that of UTC.
pub fn oldest_whole(today: Day, retention_days: u32) -> Day {
    today.minus(retention_days.saturating_sub(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_day_is_compared_when_it_is_over_and_sealed_when_no_event_can_come() {
        let today = day("2026-06-30");
        let (compare, seal) = due(Proved::default(), day("2026-05-23"), today, 400);
        assert_eq!((compare.first(), compare.last()), (Some(&day("2026-05-25")), Some(&day("2026-06-29"))));
        assert_eq!(seal, [day("2026-05-23"), day("2026-05-24")]);

        let proved = Proved { compared: Some(day("2026-06-28")), sealed: Some(day("2026-05-24")) };
        let (compare, seal) = due(proved, day("2025-01-01"), today, 400);
        assert_eq!((compare, seal), (vec![day("2026-06-29")], vec![]));
    }

    #[test]
    fn nothing_is_due_of_who_came_today_and_nothing_twice() {
        let today = day("2026-06-30");
        assert_eq!(due(Proved::default(), today, today, 400), (vec![], vec![]));
        let proved = Proved { compared: Some(today.minus(1)), sealed: Some(today.minus(CLOSED_AFTER)) };
        assert_eq!(due(proved, day("2020-01-01"), today, 400), (vec![], vec![]));
    }

    #[test]
    fn what_may_have_expired_is_passed_over() {
        let (_, seal) = due(Proved::default(), day("2020-01-01"), day("2026-06-30"), 70);
        assert_eq!((seal.first(), seal.len()), (Some(&day("2026-04-23")), 32));
    }
}
