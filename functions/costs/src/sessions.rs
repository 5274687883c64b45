//! `GET /api/sessions`: what each session cost, from raw events.
//!
//! A session is what its events name as such: calls, tasks and tools of one or several agents. A session that began
//! before the range, or goes on after it, is listed with its events in the range.

mod figures;

use std::cmp::Reverse;
use std::collections::HashMap;

use axum::extract::State;
use chrono::{DateTime, Utc};
use ledger::money::Quantity;
use ledger::period::rfc3339;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::freshness::Stated;
use web::query::{FromQuery, Query, QueryReader};

use crate::query::figures::{Known, Measures};
use crate::range::{Moment, Range};
use crate::raw_events::{self, MAX_DAYS};
use crate::{App, Route};

pub use figures::{SessionFigures, agent_of};

pub fn route() -> Route {
    Route::get("/api/sessions", Scope::CostsRead, handle)
}

/// What sessions are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    /// The highest cost first.
    #[default]
    Cost,
    /// The latest start first.
    Time,
}

/// The range of a question about sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionRange {
    from: Option<Moment>,
    to: Option<Moment>,
}

struct Params {
    range: SessionRange,
    /// `order`: `cost` or `time`.
    order: Order,
    /// `limit`: 1 to 1,000, default 100.
    limit: usize,
    /// `cursor`: the `nextCursor` of the page before.
    cursor: Option<String>,
}

impl SessionRange {
    pub fn from_query(query: &mut QueryReader) -> Self {
        Self { from: Moment::from_query(query, "from"), to: Moment::from_query(query, "to") }
    }

    /// The range, by default the seven days that end with today.
    pub async fn resolve(self, app: &App, caller: &Caller) -> Result<Range> {
        let calendar = app.tables.registry.settings_cached(&caller.org).await?.calendar;
        let range = Range::new(self.from, self.to, calendar, app.clock.now());
        let fault =
            |name: &'static str, kind, msg: String| Err(Error::from(Fault::of_query(name, kind, msg)));
        if range.from >= range.to {
            return fault("to", "range", "Input should be after 'from'".to_owned());
        }
        if range.exceeds(MAX_DAYS) {
            return fault("from", "range_too_long", format!("The range should have at most {MAX_DAYS} days"));
        }
        Ok(range)
    }

    /// What a cursor is bound to.
    pub fn bound(self) -> String {
        format!("{:?} {:?}", self.from, self.to)
    }
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let order = match query.text("order").as_deref() {
            None | Some("cost") => Order::Cost,
            Some("time") => Order::Time,
            Some(_) => {
                query.fault("order", "enum", "Input should be 'cost' or 'time'");
                Order::default()
            }
        };
        let limit = usize::try_from(query.integer("limit", 1..=1_000, 100)).unwrap_or(usize::MAX);
        Self { range: SessionRange::from_query(query), order, limit, cursor: query.text("cursor") }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    sessions: Vec<Row>,
    from: String,
    to: String,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub limit: usize,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    started_at: String,
    ended_at: String,
    agent_count: usize,
    /// Tools that were called.
    tool_calls: u64,
    #[serde(flatten)]
    measures: Measures,
}

/// Where the next page starts: after the session of this rank, in the range of the first page.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    rank: Quantity,
    id: String,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Stated<Response>> {
    let as_of = app.clock.now();
    let secret = &*app.config.cursor_secret().map_err(Error::internal)?.get().await?;
    let question = format!("{} {:?}", params.range.bound(), params.order);
    let bound = ["sessions", caller.org.as_str(), &question];
    let after: Option<Cursor> = web::cursor::read(params.cursor.as_deref(), secret, &bound)?;
    let mut range = params.range.resolve(&app, &caller).await?;
    if let Some(after) = &after {
        (range.from, range.to) = (after.from, after.to);
    }
    let mut sessions: HashMap<String, SessionFigures> = HashMap::new();
    raw_events::for_each(&app, &caller.org, range, |event| {
        if let Some(session) = event.data.attribution().and_then(|of| of.session_id.as_ref()) {
            sessions.entry(session.to_string()).or_default().add(event);
        }
        Ok(())
    })
    .await?;
    let ranked = ranked(sessions, params.order, after.as_ref());
    let next = ranked.get(params.limit).and(params.limit.checked_sub(1)).map(|last| &ranked[last]);
    let next = next.map(|(rank, id, _)| {
        let cursor = Cursor { from: range.from, to: range.to, rank: Quantity(*rank), id: id.clone() };
        web::cursor::sign(&cursor, secret, &bound)
    });
    let next_cursor = next.transpose()?;
    let body = Response {
        sessions: ranked.into_iter().take(params.limit).map(|(_, id, session)| row(id, &session)).collect(),
        from: rfc3339(range.from),
        to: rfc3339(range.to),
        pagination: Pagination { limit: params.limit, next_cursor },
    };
    // Raw events are read strongly consistently, after `as_of`.
    Ok(Stated { as_of, complete_through: Some(as_of), body })
}

/// The sessions that are still to be shown, the highest rank first, then by id.
fn ranked(
    sessions: HashMap<String, SessionFigures>,
    order: Order,
    after: Option<&Cursor>,
) -> Vec<(Decimal, String, SessionFigures)> {
    let rank = |session: &SessionFigures| match order {
        Order::Cost => session.figures.cost.dollars(),
        Order::Time => Decimal::from(session.first.timestamp_nanos_opt().unwrap_or_default()),
    };
    let mut ranked: Vec<_> =
        sessions.into_iter().map(|(id, session)| (rank(&session), id, session)).collect();
    ranked.retain(|(rank, id, _)| {
        after.is_none_or(|after| (Reverse(*rank), id) > (Reverse(after.rank.0), &after.id))
    });
    ranked.sort_by(|(one, id, _), (other, other_id, _)| (Reverse(one), id).cmp(&(Reverse(other), other_id)));
    ranked
}

fn row(id: String, session: &SessionFigures) -> Row {
    Row {
        id,
        started_at: rfc3339(session.first),
        ended_at: rfc3339(session.last),
        agent_count: session.agents.len(),
        tool_calls: session.tool_calls,
        measures: Measures::new(&session.figures, Known::ALL),
    }
}
