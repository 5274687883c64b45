//! `GET /api/sessions/{id}`: a session step by step: its agents as a tree, and its calls, tasks and tools in order.

mod step;
mod tree;

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, Utc};
use ledger::event::Event;
use ledger::ids::{AgentId, Label};
use ledger::period::rfc3339;
use ledger::rollup::OTHER;
use serde::{Deserialize, Serialize};
use web::auth::Scope;
use web::both::Both;
use web::caller::Caller;
use web::error::{Error, Fault, Result};
use web::freshness::Stated;
use web::path::{FromPath, Path, PathReader};
use web::query::{FromQuery, Query, QueryReader};

use crate::bounded::dearest;
use crate::query::figures::{Known, Measures};
use crate::raw_events;
use crate::sessions::{Pagination, SessionFigures, SessionRange, agent_of};
use crate::{App, Route};
use step::Step;
use tree::{Node, tree};

pub fn route() -> Route {
    Route::get("/api/sessions/{id+}", Scope::CostsRead, handle)
}

struct SessionId(Label);

impl FromPath for SessionId {
    fn from_path(path: &PathReader) -> Result<Self> {
        let fault = |invalid: ledger::ids::InvalidLabel| {
            Fault::new(vec!["path".into(), "id".into()], "label", invalid.to_string())
        };
        Ok(Self(Label::new(path.text("id")).map_err(fault)?))
    }
}

struct Params {
    range: SessionRange,
    /// `limit`: the most steps of a page, 1 to 5,000, default 1,000.
    limit: usize,
    /// `cursor`: the `nextCursor` of the page before.
    cursor: Option<String>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let limit = usize::try_from(query.integer("limit", 1..=5_000, 1_000)).unwrap_or(usize::MAX);
        Self { range: SessionRange::from_query(query), limit, cursor: query.text("cursor") }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// First in the response, since tables are made of the first list.
    steps: Vec<Step>,
    id: String,
    started_at: String,
    ended_at: String,
    tool_calls: u64,
    totals: Measures,
    /// The agents that work on nobody's behalf, each with those that work on its behalf.
    agents: Vec<Node>,
    pagination: Pagination,
}

/// Where the next page starts: after so many steps, in the range of the first page.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    after: usize,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Both(Path(SessionId(id)), Query(params)): Both<Path<SessionId>, Query<Params>>,
) -> Result<Stated<Response>> {
    let as_of = app.clock.now();
    let secret = &*app.config.cursor_secret().map_err(Error::internal)?.get().await?;
    let question = params.range.bound();
    let bound = ["session", caller.org.as_str(), id.as_str(), &question];
    let cursor: Option<Cursor> = web::cursor::read(params.cursor.as_deref(), secret, &bound)?;
    let mut range = params.range.resolve(&app, &caller).await?;
    if let Some(cursor) = &cursor {
        (range.from, range.to) = (cursor.from, cursor.to);
    }
    let mut events: Vec<Event> = Vec::new();
    raw_events::for_each(&app, &caller.org, range, |event| {
        if event.data.attribution().and_then(|of| of.session_id.as_ref()) == Some(&id) {
            events.push(event.clone());
        }
        Ok(())
    })
    .await?;
    if events.is_empty() {
        return Err(Error::NotFound("Session not found"));
    }
    events
        .sort_by(|one, other| (one.time, &one.source, &one.id).cmp(&(other.time, &other.source, &other.id)));
    let after = cursor.map_or(0, |cursor| cursor.after);
    let end = events.len().min(after.saturating_add(params.limit));
    let next = (end < events.len()).then_some(Cursor { from: range.from, to: range.to, after: end });
    let next_cursor = next.map(|next| web::cursor::sign(&next, secret, &bound)).transpose()?;
    let steps = events.get(after..end).unwrap_or_default().iter().map(Step::of).collect();
    let pagination = Pagination { limit: params.limit, next_cursor };
    let other = AgentId::new(OTHER).map_err(Error::internal)?;
    let body = response(&id, &events, &other, (steps, pagination));
    // Raw events are read strongly consistently, after `as_of`.
    Ok(Stated { as_of, complete_through: Some(as_of), body })
}

fn response(
    id: &Label,
    events: &[Event],
    other: &AgentId,
    (steps, pagination): (Vec<Step>, Pagination),
) -> Response {
    let mut session = SessionFigures::default();
    let mut agents: BTreeMap<&AgentId, SessionFigures> = BTreeMap::new();
    let mut parents: BTreeMap<&AgentId, &AgentId> = BTreeMap::new();
    for event in events {
        session.add(event);
        let Some(agent) = agent_of(event) else { continue };
        agents.entry(agent).or_default().add(event);
        if let Some(parent) = event.data.attribution().and_then(|of| of.parent_agent_id.as_ref()) {
            // The first event that names one decides.
            parents.entry(agent).or_insert(parent);
        }
    }
    // A page has all agents.
    let agents: BTreeMap<_, _> =
        dearest(agents, |agent| agent.figures.cost, other, SessionFigures::merge).into_iter().collect();
    parents.retain(|agent, _| agents.contains_key(agent));
    Response {
        steps,
        id: id.to_string(),
        started_at: rfc3339(session.first),
        ended_at: rfc3339(session.last),
        tool_calls: session.tool_calls,
        totals: Measures::new(&session.figures, Known::ALL),
        agents: tree(&agents, &parents),
        pagination,
    }
}
