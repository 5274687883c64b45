//! Which days are due to be compared and sealed.
//!
//! A day is compared once it is over, and sealed once late events are no longer accepted: events may be up to 35 days
//! late, and a stream keeps a record for a day. Days whose raw events may have expired can no longer be recomputed.

pub use ledger::period::oldest_complete_day;
use ledger::period::{Day, DayRange};
use store::reconcile::ReconcileProgress;

/// Days after which no event can be added to a day: 35 by which an event may be late, one that it may spend in the
/// stream, and one because days end at different times in different time zones.
pub const CLOSED_AFTER: u32 = 37;

/// The days of an organization that are to be compared and those that are to be sealed, oldest first.
///
/// `first` is the day of its first event. Both it and `today` are in the organization's time zone.
pub fn due(progress: ReconcileProgress, first: Day, today: Day, retention_days: u32) -> (Vec<Day>, Vec<Day>) {
    let oldest = first.max(oldest_complete_day(today, retention_days));
    let from = |done: Option<Day>| done.map_or(oldest, |done| done.next().max(oldest));
    let days = |first, last| DayRange { first, last }.days().collect();
    // Sealing compares a day too.
    let compared = from(progress.compared).max(today.minus(CLOSED_AFTER - 1));
    (days(compared, today.minus(1)), days(from(progress.sealed), today.minus(CLOSED_AFTER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_day_is_compared_after_it_ends_and_sealed_after_37_days() {
        let today = day("2026-06-30");
        let (compare, seal) = due(ReconcileProgress::default(), day("2026-05-23"), today, 400);
        assert_eq!((compare.first(), compare.last()), (Some(&day("2026-05-25")), Some(&day("2026-06-29"))));
        assert_eq!(seal, [day("2026-05-23"), day("2026-05-24")]);

        let progress =
            ReconcileProgress { compared: Some(day("2026-06-28")), sealed: Some(day("2026-05-24")) };
        let (compare, seal) = due(progress, day("2025-01-01"), today, 400);
        assert_eq!((compare, seal), (vec![day("2026-06-29")], vec![]));
    }

    #[test]
    fn the_first_day_is_not_due_before_it_ends_and_no_day_is_due_twice() {
        let today = day("2026-06-30");
        assert_eq!(due(ReconcileProgress::default(), today, today, 400), (vec![], vec![]));
        let progress =
            ReconcileProgress { compared: Some(today.minus(1)), sealed: Some(today.minus(CLOSED_AFTER)) };
        assert_eq!(due(progress, day("2020-01-01"), today, 400), (vec![], vec![]));
    }

    #[test]
    fn days_whose_events_may_have_expired_are_skipped() {
        let (_, seal) = due(ReconcileProgress::default(), day("2020-01-01"), day("2026-06-30"), 70);
        assert_eq!((seal.first(), seal.len()), (Some(&day("2026-04-23")), 32));
    }
}
