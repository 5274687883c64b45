//! The parameters, and the range of the log that they ask for.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use ledger::ids::{AgentId, Name};
use web::query::{FromQuery, Query};

use crate::cut::Span;

/// The furthest page that can be asked for by number.
const MAX_OFFSET: u32 = 10_000;
/// The range that is listed unless another one is asked for.
const DEFAULT_RANGE: TimeDelta = TimeDelta::days(30);
/// How long before it expires an entry is listed no more: one may be stamped a little later than it came.
const SPARE: TimeDelta = TimeDelta::hours(1);
/// How far ahead of the clock a range may usefully end.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// The grain of the log's time.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// The parameters.
pub struct Params {
    /// `agentId`: of this agent alone.
    pub agent: Option<AgentId>,
    /// `eventType`: of this type alone.
    pub event_type: Option<Name>,
    /// `from`: the oldest instant, included; by default 30 days before `to`.
    pub from: Option<DateTime<Utc>>,
    /// `to`: the newest instant, included; by default now.
    pub to: Option<DateTime<Utc>>,
    /// `limit`: the most entries of a page; 1 to 500, by default 100.
    pub limit: u32,
    /// `offset`: how many to pass over; 0 to 10,000, by default none. Not beside a cursor.
    pub offset: u32,
    /// `cursor`: what the page before gave as `nextCursor`.
    pub cursor: Option<String>,
}

impl FromQuery for Params {
    fn from_query(query: &mut Query) -> Self {
        let advice =
            "; further pages are reached by 'cursor', which takes the 'nextCursor' of the page before";
        let params = Self {
            agent: query.id("agentId").and_then(|id| AgentId::new(id).ok()),
            event_type: query.id("eventType").and_then(|id| Name::new(id).ok()),
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
    /// The range that is asked for at `now`.
    pub fn range(&self, now: DateTime<Utc>) -> Span {
        let newest = self.to.unwrap_or(now);
        let default = || newest.checked_sub_signed(DEFAULT_RANGE).unwrap_or(newest);
        Span { newest, oldest: self.from.unwrap_or_else(default) }
    }
}

/// What there can be of `range` at `now`, to the millisecond: entries are kept for `days`.
pub fn within_reach(range: Span, now: DateTime<Utc>, days: u32) -> Option<Span> {
    let reach = now - TimeDelta::days(days.into()) + SPARE;
    let newest = floor(range.newest.min(now + AHEAD));
    let oldest = range.oldest.max(reach);
    let oldest = if floor(oldest) == oldest { oldest } else { floor(oldest) + TICK };
    (oldest <= newest).then_some(Span { newest, oldest })
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
        let mut query = Query::parse(text);
        let params = Params::from_query(&mut query);
        query.finish().map(|()| params)
    }

    fn range(text: &str) -> (String, String) {
        let range = params(text).unwrap().range(at("2026-03-31T12:00:00Z"));
        (ledger::period::rfc3339(range.oldest), ledger::period::rfc3339(range.newest))
    }

    #[test]
    fn the_range_is_the_last_thirty_days_unless_it_is_given() {
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
    fn the_ends_of_a_range_keep_to_the_milliseconds_within_it() {
        let now = at("2026-03-31T12:00:00Z");
        let reach = |oldest: &str, newest: &str| {
            let range = Span { newest: at(newest), oldest: at(oldest) };
            let text = |instant| ledger::period::sortable(instant);
            within_reach(range, now, 70).map(|span| (text(span.oldest), text(span.newest)))
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
