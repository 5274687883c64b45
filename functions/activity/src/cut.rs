//! A range of the log, cut at the hours: most of it is counted already, and only its ends have to be read.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::period::{Day, DayRange};
use ledger::rollup::ActivityDay;
use store::activity::Stretch;

/// How long after its end an hour's count is relied on: what counts is a minute behind, and may meet a hindrance.
const SETTLED: TimeDelta = TimeDelta::minutes(10);
const HOUR: TimeDelta = TimeDelta::hours(1);
/// The grain of the log's time.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// Instants from the newest back to the oldest, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The newest.
    pub newest: DateTime<Utc>,
    /// The oldest.
    pub oldest: DateTime<Utc>,
}

impl Span {
    fn new(newest: DateTime<Utc>, oldest: DateTime<Utc>) -> Option<Self> {
        (oldest <= newest).then_some(Self { newest, oldest })
    }

    /// What of it is no newer than `newest`.
    fn up_to(self, newest: DateTime<Utc>) -> Option<Self> {
        Self::new(self.newest.min(newest), self.oldest)
    }

    /// The places in it.
    pub fn stretch(self) -> Stretch {
        Stretch::between(self.newest, self.oldest)
    }
}

/// A range of the log in up to three parts, newest first: one that is read, whole hours that are counted, and one that
/// is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// All of it.
    pub whole: Span,
    /// The part before the whole hours, or all where there are none.
    pub head: Option<Span>,
    /// The whole hours.
    hours: Option<Span>,
    /// The part after them.
    pub tail: Option<Span>,
}

impl Cut {
    /// `whole` as it is to be counted at `now`.
    pub fn new(whole: Span, now: DateTime<Utc>) -> Self {
        let end = hour(whole.newest + TICK).min(hour(now - SETTLED));
        let first = hour(whole.oldest + HOUR - TICK);
        let Some(hours) = Span::new(end - TICK, first) else {
            return Self { whole, head: Some(whole), hours: None, tail: None };
        };
        let (head, tail) = (Span::new(whole.newest, end), Span::new(first - TICK, whole.oldest));
        Self { whole, head, hours: Some(hours), tail }
    }

    /// The days of UTC that hold the whole hours.
    pub fn days(&self) -> Option<DayRange> {
        let day = |instant| Day::of(instant, Tz::UTC);
        self.hours.map(|hours| DayRange { first: day(hours.oldest), last: day(hours.newest) })
    }

    /// The whole hours that have entries, of one type where one is asked for, newest first, with how many.
    pub fn hours(&self, days: &[(Day, ActivityDay)], event_type: Option<&str>) -> Vec<(Span, u64)> {
        let Some(all) = self.hours else { return Vec::new() };
        let mut hours = Vec::new();
        for (day, counts) in days.iter().rev() {
            for (hour, by_type) in counts.hours.iter().rev() {
                let oldest = day.start(Tz::UTC) + HOUR * i32::try_from(*hour).unwrap_or_default();
                let hour = Span { newest: oldest + HOUR - TICK, oldest };
                let count = match event_type {
                    None => by_type.values().sum(),
                    Some(kind) => by_type.get(kind).copied().unwrap_or_default(),
                };
                if all.oldest <= hour.oldest && hour.newest <= all.newest && count > 0 {
                    hours.push((hour, count));
                }
            }
        }
        hours
    }
}

fn hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.duration_trunc(HOUR).unwrap_or(instant)
}

/// How many entries each part has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// In the head.
    pub head: u64,
    /// In each of the hours that have any, newest first.
    pub hours: Vec<(Span, u64)>,
    /// In the tail.
    pub tail: u64,
}

/// Where to begin to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The newest instant to read.
    pub newest: DateTime<Utc>,
    /// How many entries to pass over from there.
    pub skip: u64,
}

impl Counted {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.head + self.hours.iter().map(|(_, count)| count).sum::<u64>() + self.tail
    }

    /// Where the entry is that has `offset` others before it, if there is one: whole hours are passed over unread.
    pub fn start(&self, cut: &Cut, offset: u64) -> Option<Start> {
        let head = cut.head.map(|head| (head, self.head));
        let tail = cut.tail.map(|tail| (tail, self.tail));
        let mut skip = offset;
        for (span, count) in head.iter().chain(&self.hours).chain(&tail) {
            if skip < *count {
                return Some(Start { newest: span.newest, skip });
            }
            skip -= count;
        }
        None
    }

    /// The parts that may hold entries, from `newest` on; what lies side by side is one.
    pub fn spans(&self, cut: &Cut, newest: DateTime<Utc>) -> Vec<Span> {
        let head = cut.head.filter(|_| self.head > 0);
        let tail = cut.tail.filter(|_| self.tail > 0);
        let mut spans: Vec<Span> = Vec::new();
        for span in head.into_iter().chain(self.hours.iter().map(|(hour, _)| *hour)).chain(tail) {
            let Some(span) = span.up_to(newest) else { continue };
            match spans.last_mut() {
                Some(last) if last.oldest - TICK == span.newest => last.oldest = span.oldest,
                _ => spans.push(span),
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests;
