//! `GET /v1/metrics/instances`: usage by agent, most requests first.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::rollup::AgentModelFigures;
use ledger::roster::{self, Member};
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::params::Params;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/v1/metrics/instances", Scope::MetricsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Most requests first, then by id.
    instances: Vec<Box<RawValue>>,
    /// Of all pages.
    total_count: usize,
    unpriced_requests: u64,
    #[serde(rename = "nextCursor", skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct Instance {
    estimated_cost_usd: Usd,
    hostname: String,
    instance_id: AgentId,
    request_count: u64,
    status: &'static str,
    total_tokens: u64,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query((params, page)): Query<(Params, PageRequest<u64>)>,
) -> Result<Json<Response>> {
    let (org, usage) = (&caller.org, &app.tables.usage);
    let fetch = |of, windows| async move { usage.agent_totals_over(org, of, &windows).await };
    let days = app.tables.registry.fetch_windows(org, app.clock.now(), params.window(), fetch);
    let ((window, days), agents) = try_join!(days, app.tables.registry.agents(org))?;
    let mut used: BTreeMap<AgentId, AgentModelFigures> = BTreeMap::new();
    for (day, agent, total, _) in days {
        if window.contains(day) && total.requests > 0 {
            *used.entry(agent).or_default() += total;
        }
    }
    let members: Vec<_> = roster::join(agents, used).into_iter().filter(Member::is_listed).collect();
    let total_count = members.len();
    let unpriced_requests =
        members.iter().filter_map(|member| member.usage.as_ref()).map(|usage| usage.unpriced);
    let unpriced_requests = unpriced_requests.sum();
    let requests =
        |member: &Member<_>| member.usage.as_ref().map_or(0, |usage: &AgentModelFigures| usage.requests);
    let page =
        page.of(members, |member| Place::ranked(requests(member), member.agent.id.as_str()), instance)?;
    Ok(Json(Response { instances: page.rows, total_count, unpriced_requests, next_cursor: page.next_cursor }))
}

fn instance(Member { agent, usage }: Member<AgentModelFigures>) -> Instance {
    let sums = usage.unwrap_or_default();
    Instance {
        estimated_cost_usd: sums.cost,
        hostname: agent.hostname().to_owned(),
        status: agent.status().as_str(),
        instance_id: agent.id,
        request_count: sums.requests,
        total_tokens: sums.tokens.total(),
        unpriced_requests: sums.unpriced,
    }
}
