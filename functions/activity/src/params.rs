//! The query parameters and the time range that they select.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use ledger::ids::{AgentId, Name};
use web::query::{FromQuery, QueryReader};

use crate::split_range::TimeRange;

/// The largest offset; beyond it, pages are reached by cursor.
const MAX_OFFSET: u32 = 10_000;
/// Length of the range if none is given.
const DEFAULT_RANGE: TimeDelta = TimeDelta::days(30);
/// Entries are no longer listed this long before they expire, because an entry may be dated slightly after it
/// arrived.
const SPARE: TimeDelta = TimeDelta::hours(1);
/// How far a range may end after now.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// Resolution of entry times.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

pub struct Params {
    /// `agentId`: only entries about this agent.
    pub agent: Option<AgentId>,
    /// `eventType`: only entries of this type.
    pub event_type: Option<Name>,
    /// `from`: the oldest instant, inclusive; default 30 days before `to`.
    pub from: Option<DateTime<Utc>>,
    /// `to`: the newest instant, inclusive; default now.
    pub to: Option<DateTime<Utc>>,
    /// `limit`: entries per page; 1 to 500, default 100.
    pub limit: u32,
    /// `offset`: entries to skip; 0 to 10,000, default 0. Not allowed together with a cursor.
    pub offset: u32,
    /// `cursor`: the `nextCursor` of the previous page.
    pub cursor: Option<String>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let advice =
            "; further pages are reached by 'cursor', which takes the 'nextCursor' of the page before";
        let params = Self {
            agent: query.id("agentId"),
            event_type: query.id("eventType"),
            from: query.instant("from"),
            to: query.instant("to"),
            limit: query.integer("limit", 1..=500, 100),
            offset: query.integer_up_to("offset", 0..=MAX_OFFSET, 0, advice),
            cursor: query.text("cursor"),
        };
        if params.from.zip(params.to).is_some_and(|(from, to)| from > to) {
            query.fault("to", "range", "Input should not be before 'from'");
        }
        if params.cursor.is_some() && params.offset > 0 {
            query.fault("offset", "exclusive", "Input should not be given beside 'cursor'");
        }
        params
    }
}

impl Params {
    /// The requested range at `now`.
    pub fn range(&self, now: DateTime<Utc>) -> TimeRange {
        let newest = self.to.unwrap_or(now);
        let default = || newest.checked_sub_signed(DEFAULT_RANGE).unwrap_or(newest);
        TimeRange { newest, oldest: self.from.unwrap_or_else(default) }
    }
}

/// The part of `range` that can have entries at `now`, to the millisecond: entries are kept for `days`.
pub fn within_reach(range: TimeRange, now: DateTime<Utc>, days: u32) -> Option<TimeRange> {
    let reach = now - TimeDelta::days(days.into()) + SPARE;
    let newest = floor(range.newest.min(now + AHEAD));
    let oldest = range.oldest.max(reach);
    let oldest = if floor(oldest) == oldest { oldest } else { floor(oldest) + TICK };
    (oldest <= newest).then_some(TimeRange { newest, oldest })
}

fn floor(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.duration_trunc(TICK).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use ledger::period::parse_instant;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        parse_instant(text).unwrap()
    }

    fn params(text: &str) -> Result<Params, web::error::Error> {
        let mut query = QueryReader::parse(text);
        let params = Params::from_query(&mut query);
        query.finish().map(|()| params)
    }

    fn range(text: &str) -> (String, String) {
        let range = params(text).unwrap().range(at("2026-03-31T12:00:00Z"));
        (ledger::period::rfc3339(range.oldest), ledger::period::rfc3339(range.newest))
    }

    #[test]
    fn the_default_range_is_the_last_thirty_days() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(range(""), pair("2026-03-01T12:00:00Z", "2026-03-31T12:00:00Z"));
        assert_eq!(range("from=2026-01-01T00:00:00Z"), pair("2026-01-01T00:00:00Z", "2026-03-31T12:00:00Z"));
        assert_eq!(
            range("to=2024-03-01T00:00:00%2B05:45"),
            pair("2024-01-30T18:15:00Z", "2024-02-29T18:15:00Z")
        );
        assert!(params("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z").is_ok());
        assert!(params("from=2026-01-01T00:00:00.001Z&to=2026-01-01T00:00:00Z").is_err());
        assert!(params("to=-262000-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn range_ends_are_rounded_inwards_to_milliseconds() {
        let now = at("2026-03-31T12:00:00Z");
        let reach = |oldest: &str, newest: &str| {
            let range = TimeRange { newest: at(newest), oldest: at(oldest) };
            let text = |instant| ledger::period::sortable(instant);
            within_reach(range, now, 70).map(|range| (text(range.oldest), text(range.newest)))
        };
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(
            reach("2026-03-01T00:00:00.0001Z", "2026-03-01T00:00:00.0029Z"),
            pair("2026-03-01T00:00:00.001Z", "2026-03-01T00:00:00.002Z")
        );
        assert_eq!(reach("2026-03-01T00:00:00.0001Z", "2026-03-01T00:00:00.0009Z"), None);
        assert_eq!(
            reach("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"),
            pair("2026-01-20T13:00:00.000Z", "2026-04-01T12:00:00.000Z")
        );
        assert_eq!(reach("2000-01-01T00:00:00Z", "2026-01-20T12:59:59.999Z"), None);
    }
}
