//! `GET /api/activity`: the activity log, newest first, then by id.
//!
//! `agentId`, `eventType`, `from` and `to` combine. Pages follow one another by `offset`, or by `cursor`, which takes
//! the `nextCursor` of the page before together with the same filters; entries that come in meanwhile move no page of
//! it. The log reaches back as far as raw events are kept.
//!
//! `total` is exact: whole hours are counted by the aggregator, the rest of the range, and with it the last hour, is
//! counted as it is read. An entry that came in late, about an hour that is over, is therefore part of `total` when
//! the aggregator has seen it, about a minute later. It is listed at once, unless both `agentId` and `eventType` are
//! given.

use axum::Json;
use axum::extract::State;
use ledger::period;
use serde::Serialize;
use serde_json::value::RawValue;
use store::activity::Entry as Stored;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::query::Params as Query;
use web::route::Route;

use crate::cursor::Cursor;
use crate::page::{Asked, Names, Page};
use crate::params::{Params, within_reach};

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/api/activity", Scope::ActivityRead, handle)
}

/// A page of the log.
#[derive(Debug, Serialize)]
pub struct Response {
    data: Vec<Entry>,
    pagination: Pagination,
}

/// An entry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    event_type: String,
    /// Empty where the entry is about no agent: a setting of something else was changed.
    agent_id: String,
    /// As registered, else its id.
    agent_name: String,
    /// The object as it was sent, to the letter.
    details: Box<RawValue>,
    created_at: String,
}

/// Where the page stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    /// All entries that the filters let through.
    total: u64,
    limit: u32,
    /// How many came before this page.
    offset: u64,
    has_more: bool,
    /// For the page after this one, where there is one.
    next_cursor: Option<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let secret = app.config.cursor_secret().map_err(Error::internal)?;
    let cursor = match &params.cursor {
        Some(text) => Some(Cursor::verify(text, secret, &caller.org, &params).ok_or_else(bad_cursor)?),
        None => None,
    };
    let now = app.clock.now();
    let range = cursor.as_ref().map_or_else(|| params.range(now), Cursor::range);
    let passed = cursor.as_ref().map_or_else(|| params.offset.into(), |cursor| cursor.passed);
    let asked = Asked::new(&caller.org, &params, cursor.map(|cursor| cursor.place));
    let Page { total, mut entries, names } = match within_reach(range, now, app.config.event_retention_days) {
        Some(span) => Box::pin(asked.page(&app.store, span, now)).await?,
        None => Page::default(),
    };
    let has_more = entries.len() > asked.limit;
    entries.truncate(asked.limit);
    let next_cursor = match entries.last().filter(|_| has_more) {
        Some(last) => {
            let passed = passed + u64::try_from(entries.len()).unwrap_or_default();
            Some(Cursor::new(range, last.place.clone(), passed).sign(secret, &caller.org, &params)?)
        }
        None => None,
    };
    let pagination = Pagination { total, limit: params.limit, offset: passed, has_more, next_cursor };
    let data = entries.into_iter().map(|stored| entry(stored, &names)).collect::<Result<_>>()?;
    Ok(Json(Response { data, pagination }))
}

fn bad_cursor() -> Error {
    let msg = "Input should be the 'nextCursor' of a page with the same filters";
    Error::Validation(vec![Fault::new(vec!["query".into(), "cursor".into()], "cursor", msg)])
}

fn entry(stored: Stored, names: &Names) -> Result<Entry> {
    let agent = stored.activity.agent_id;
    let name = agent.as_ref().map(|agent| names.get(agent).map_or(agent.as_str(), String::as_str));
    Ok(Entry {
        id: stored.id,
        event_type: stored.activity.event_type.into(),
        agent_name: name.unwrap_or_default().to_owned(),
        agent_id: agent.map(String::from).unwrap_or_default(),
        details: RawValue::from_string(stored.activity.details).map_err(Error::internal)?,
        created_at: period::rfc3339(stored.time),
    })
}
