//! `GET /v1/metrics/instances`: usage by agent, busiest first.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::rollup::AgentModelSums;
use ledger::roster::Agent;
use ledger::settings::AgentStatus;
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Params as Query;
use web::route::Route;

use crate::params::Params;

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/v1/metrics/instances", Scope::MetricsRead, handle)
}

/// Usage by agent.
#[derive(Debug, Serialize)]
pub struct Response {
    /// By requests, most first; then by id.
    instances: Vec<Instance>,
    /// How many there are.
    total_count: usize,
    unpriced_requests: u64,
}

/// One agent.
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
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let days = app.over(&caller.org, params.window(), |days| app.store.agent_days(&caller.org, days));
    let ((window, days), agents) = try_join!(days, app.store.agents(&caller.org))?;
    let mut used: BTreeMap<AgentId, AgentModelSums> = BTreeMap::new();
    for (day, agent, sums) in days {
        let total = sums.total();
        if window.contains(day) && total.requests > 0 {
            *used.entry(agent).or_default() += total;
        }
    }
    let mut known: BTreeMap<AgentId, Agent> =
        agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
    for agent in known.values().filter(|agent| stands_without_usage(agent)) {
        used.entry(agent.id.clone()).or_default();
    }
    let mut rows: Vec<_> = used.into_iter().collect();
    // Stable: agents with as many requests stay in the order of their ids.
    rows.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.requests));
    let instances: Vec<_> = rows
        .into_iter()
        .map(|(id, sums)| {
            // An agent's day may be summed a moment before the registry hears of the agent.
            let agent = known.remove(&id).unwrap_or(Agent { id, settings: None, seen: None });
            instance(agent, sums)
        })
        .collect();
    let unpriced_requests = instances.iter().map(|instance| instance.unpriced_requests).sum();
    Ok(Json(Response { total_count: instances.len(), instances, unpriced_requests }))
}

/// Whether an agent has a row even where it made no call: someone registered it, and nobody archived it.
fn stands_without_usage(agent: &Agent) -> bool {
    agent.settings.as_ref().is_some_and(|settings| settings.status != AgentStatus::Archived)
}

fn instance(agent: Agent, sums: AgentModelSums) -> Instance {
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
