//! A time range split at whole hours: entries of whole hours are already counted, only the ends must be read.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::period::{Day, DayRange};
use ledger::rollup::ActivityDay;
use store::activity::LogRange;

/// How long after its end an hour's count is trusted: the aggregator lags by about a minute, more when it retries.
const SETTLED: TimeDelta = TimeDelta::minutes(10);
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Resolution of entry times.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// Instants from the newest to the oldest, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub newest: DateTime<Utc>,
    pub oldest: DateTime<Utc>,
}

impl TimeRange {
    fn new(newest: DateTime<Utc>, oldest: DateTime<Utc>) -> Option<Self> {
        (oldest <= newest).then_some(Self { newest, oldest })
    }

    /// The part that is not newer than `newest`.
    fn up_to(self, newest: DateTime<Utc>) -> Option<Self> {
        Self::new(self.newest.min(newest), self.oldest)
    }

    /// The same range as positions in the log.
    pub fn stretch(self) -> LogRange {
        LogRange::between(self.newest, self.oldest)
    }
}

/// A range in up to three parts, newest first: an end to be read, whole hours that are counted, and another end to be
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitRange {
    pub whole: TimeRange,
    /// The part before the whole hours, or everything if there are none.
    pub head: Option<TimeRange>,
    hours: Option<TimeRange>,
    /// The part after the whole hours.
    pub tail: Option<TimeRange>,
}

impl SplitRange {
    /// Splits `whole`, trusting counts of hours that have settled by `now`.
    pub fn new(whole: TimeRange, now: DateTime<Utc>) -> Self {
        let end = hour(whole.newest + TICK).min(hour(now - SETTLED));
        let first = hour(whole.oldest + HOUR - TICK);
        let Some(hours) = TimeRange::new(end - TICK, first) else {
            return Self { whole, head: Some(whole), hours: None, tail: None };
        };
        let (head, tail) = (TimeRange::new(whole.newest, end), TimeRange::new(first - TICK, whole.oldest));
        Self { whole, head, hours: Some(hours), tail }
    }

    /// The same range, all of it to be read.
    pub const fn whole(self) -> Self {
        Self { head: Some(self.whole), hours: None, tail: None, ..self }
    }

    /// The UTC days that contain the whole hours.
    pub fn days(&self) -> Option<DayRange> {
        let day = |instant| Day::of(instant, Tz::UTC);
        self.hours.map(|hours| DayRange { first: day(hours.oldest), last: day(hours.newest) })
    }

    /// The whole hours that have entries (of one type, if given), newest first, with their counts.
    pub fn hours(&self, days: &[(Day, ActivityDay)], event_type: Option<&str>) -> Vec<(TimeRange, u64)> {
        let Some(all) = self.hours else { return Vec::new() };
        let mut hours = Vec::new();
        for (day, counts) in days.iter().rev() {
            for (hour, by_type) in counts.hours.iter().rev() {
                let oldest = day.start(Tz::UTC) + HOUR * i32::try_from(*hour).unwrap_or_default();
                let hour = TimeRange { newest: oldest + HOUR - TICK, oldest };
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

/// The number of entries in each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartCounts {
    pub head: u64,
    /// Each hour that has entries, newest first.
    pub hours: Vec<(TimeRange, u64)>,
    pub tail: u64,
}

/// Where a page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageStart {
    /// The newest instant to read.
    pub newest: DateTime<Utc>,
    /// How many entries to skip from there.
    pub skip: u64,
}

impl PartCounts {
    pub fn total(&self) -> u64 {
        self.head + self.hours.iter().map(|(_, count)| count).sum::<u64>() + self.tail
    }

    /// Where the entry at `offset` is, if there is one. Whole hours are skipped without being read.
    pub fn start(&self, split: &SplitRange, offset: u64) -> Option<PageStart> {
        let head = split.head.map(|head| (head, self.head));
        let tail = split.tail.map(|tail| (tail, self.tail));
        let mut skip = offset;
        for (range, count) in head.iter().chain(&self.hours).chain(&tail) {
            if skip < *count {
                return Some(PageStart { newest: range.newest, skip });
            }
            skip -= count;
        }
        None
    }

    /// The parts that may contain entries, from `newest` on, with adjacent parts merged.
    pub fn ranges(&self, split: &SplitRange, newest: DateTime<Utc>) -> Vec<TimeRange> {
        let head = split.head.filter(|_| self.head > 0);
        let tail = split.tail.filter(|_| self.tail > 0);
        let mut ranges: Vec<TimeRange> = Vec::new();
        for range in head.into_iter().chain(self.hours.iter().map(|(hour, _)| *hour)).chain(tail) {
            let Some(range) = range.up_to(newest) else { continue };
            match ranges.last_mut() {
                Some(last) if last.oldest - TICK == range.newest => last.oldest = range.oldest,
                _ => ranges.push(range),
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests;
