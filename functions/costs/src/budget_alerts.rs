//! `GET /api/cost-analysis/budget-alerts`: agents that exceeded their budget.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::State;
use ledger::ids::AgentId;
use ledger::money::{Number, Usd, percent};
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;
use web::route::Route;

use crate::params::Period;
use crate::spending::Spending;

pub fn route() -> Route {
    Route::get("/api/cost-analysis/budget-alerts", Scope::CostsRead, handle)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    alert_count: usize,
    /// Largest overage first, then by id.
    alerts: Vec<Alert>,
    /// Over all agents. If there are any, more agents may be over budget than are listed.
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    agent_id: AgentId,
    agent_name: String,
    model_name: String,
    actual_cost: Number,
    budget: Number,
    overage: Number,
    /// Percent of the budget; 0 for a budget of 0.
    overage_pct: Number,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(period): Query<Period>,
) -> Result<Json<Response>> {
    let agents = period.of_agents(&app, &caller).await?;
    let unpriced_requests = agents.iter().map(|agent| agent.sums.unpriced).sum();
    let mut over: Vec<_> =
        agents.into_iter().filter_map(|agent| Some((agent.budget()?, agent.overage()?, agent))).collect();
    // The sort is stable: agents of equal overage stay ordered by id.
    over.sort_by_key(|(_, overage, _)| Reverse(*overage));
    let alerts: Vec<_> =
        over.into_iter().map(|(budget, overage, agent)| alert(budget, overage, agent)).collect();
    Ok(Json(Response { alert_count: alerts.len(), alerts, unpriced_requests }))
}

fn alert(budget: Usd, overage: Usd, spending: Spending) -> Alert {
    Alert {
        agent_name: spending.agent.name().to_owned(),
        actual_cost: Number::usd(spending.sums.cost),
        budget: Number::usd(budget),
        overage: Number::usd(overage),
        overage_pct: percent(overage.dollars(), budget.dollars()),
        unpriced_requests: spending.sums.unpriced,
        model_name: spending.model_name,
        agent_id: spending.agent.id,
    }
}
