//! `GET /api/activity`: the activity log, newest first, then by id.
//!
//! `agentId`, `eventType`, `from` and `to` combine. Pages are requested by `offset`, or by `cursor` with the previous
//! page's `nextCursor` and the same filters; new entries do not shift the pages of a cursor. The log reaches back as
//! far as raw events are kept.
//!
//! A page whose entries are large has fewer than `limit`, since a response may have 6 MB.
//!
//! `total` is exact: the aggregator counts whole hours, and the rest of the range, which includes the last hour, is
//! counted when the page is read. An entry that arrives after its hour has ended is part of `total` once it is
//! aggregated, about a minute later. It is listed at once, unless both `agentId` and `eventType` are given.

use axum::Json;
use axum::extract::State;
use ledger::event::Attribution;
use ledger::ids::{AgentId, Label};
use ledger::period;
use ledger::tags::Tags;
use serde::Serialize;
use serde_json::value::RawValue;
use store::activity::LogEntry as Stored;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::page::fitting;
use web::query::Query;

use crate::cursor::Cursor;
use crate::page::{Names, Page, PageRequest};
use crate::params::{Params, within_reach};
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/activity", Scope::ActivityRead, handle)
}

#[derive(Debug, Serialize)]
pub struct Response {
    data: Vec<Box<RawValue>>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    event_type: String,
    /// Empty if the entry is not about an agent, such as a change of other settings.
    agent_id: String,
    /// The registered name, else the id.
    agent_name: String,
    /// The object exactly as it was sent.
    details: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_agent_id: Option<AgentId>,
    /// The sender's tags and those of its API key.
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
    created_at: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    /// Number of entries that match the filters.
    total: u64,
    limit: u32,
    /// Number of entries before this page.
    offset: u64,
    has_more: bool,
    /// Cursor of the next page, if there is one.
    next_cursor: Option<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let secret = &*app.config.cursor_secret().map_err(Error::internal)?.get().await?;
    let cursor = match &params.cursor {
        Some(text) => Some(Cursor::verify(text, secret, &caller.org, &params).ok_or_else(bad_cursor)?),
        None => None,
    };
    let now = app.clock.now();
    let range = cursor.as_ref().map_or_else(|| params.range(now), Cursor::range);
    let passed = cursor.as_ref().map_or_else(|| params.offset.into(), |cursor| cursor.passed);
    let request = PageRequest::new(&caller.org, &params, cursor.map(|cursor| cursor.place));
    let Page { total, entries, names } = match within_reach(range, now, app.config.event_retention_days) {
        Some(range) => Box::pin(request.page(&app.tables, range, now)).await?,
        None => Page::default(),
    };
    let found = entries.len();
    let mut places: Vec<_> = entries.iter().map(|stored| stored.place.clone()).collect();
    let shown = entries.into_iter().map(|stored| entry(stored, &names)).collect::<Result<Vec<_>>>()?;
    let data = fitting(shown.into_iter(), request.limit)?;
    places.truncate(data.len());
    let has_more = data.len() < found;
    let next_cursor = match places.pop().filter(|_| has_more) {
        Some(last) => {
            let passed = passed + u64::try_from(data.len()).unwrap_or_default();
            Some(Cursor::new(range, last, passed).sign(secret, &caller.org, &params)?)
        }
        None => None,
    };
    let pagination = Pagination { total, limit: params.limit, offset: passed, has_more, next_cursor };
    Ok(Json(Response { data, pagination }))
}

fn bad_cursor() -> Error {
    let msg = "Input should be the 'nextCursor' of a page with the same filters";
    Error::Validation(vec![Fault::of_query("cursor", "cursor", msg)])
}

fn entry(stored: Stored, names: &Names) -> Result<Entry> {
    let tags = stored.activity.attribution.all_tags();
    let Attribution { session_id, parent_agent_id, .. } = stored.activity.attribution;
    let agent = stored.activity.agent_id;
    let name = agent.as_ref().map(|agent| names.get(agent).map_or(agent.as_str(), String::as_str));
    Ok(Entry {
        id: stored.id,
        event_type: stored.activity.event_type.into(),
        agent_name: name.unwrap_or_default().to_owned(),
        agent_id: agent.map(String::from).unwrap_or_default(),
        details: RawValue::from_string(stored.activity.details).map_err(Error::internal)?,
        session_id,
        parent_agent_id,
        tags,
        created_at: period::rfc3339(stored.time),
    })
}
