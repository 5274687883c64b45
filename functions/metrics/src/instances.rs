//! `GET /v1/metrics/instances`: usage by agent, most requests first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::rollup::AgentModelFigures;
use ledger::roster::{self, Member};
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::params::Params;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/v1/metrics/instances", Scope::MetricsRead, handle)
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Most requests first, then by id.
    instances: Vec<Instance>,
    total_count: usize,
    unpriced_requests: u64,
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
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let days = app.tables.registry.fetch_days(&caller.org, app.clock.now(), params.window(), |of, days| {
        app.tables.usage.agent_days(&caller.org, of, days)
    });
    let ((window, days), agents) = try_join!(days, app.tables.registry.agents(&caller.org))?;
    let mut used: BTreeMap<AgentId, AgentModelFigures> = BTreeMap::new();
    for (day, agent, sums) in days {
        let total = sums.total();
        if window.contains(day) && total.requests > 0 {
            *used.entry(agent).or_default() += total;
        }
    }
    let mut instances: Vec<_> =
        roster::join(agents, used).into_iter().filter(Member::is_listed).map(instance).collect();
    // The sort is stable: agents with equally many requests stay ordered by id.
    instances.sort_by_key(|instance| Reverse(instance.request_count));
    let unpriced_requests = instances.iter().map(|instance| instance.unpriced_requests).sum();
    Ok(Json(Response { total_count: instances.len(), instances, unpriced_requests }))
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
