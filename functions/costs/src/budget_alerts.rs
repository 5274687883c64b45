//! `GET /api/cost-analysis/budget-alerts`: agents that exceeded their budget.

use axum::Json;
use axum::extract::State;
use ledger::ids::AgentId;
use ledger::money::{Number, Usd, percent};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::params::Period;
use crate::spending::Spending;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/cost-analysis/budget-alerts", Scope::CostsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Of all pages.
    alert_count: usize,
    /// Largest overage first, then by id.
    alerts: Vec<Box<RawValue>>,
    /// Over all agents. If there are any, more agents may be over budget than are listed.
    unpriced_requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
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
    Query((period, page)): Query<(Period, PageRequest<Decimal>)>,
) -> Result<Json<Response>> {
    let agents = period.of_agents(&app, &caller).await?;
    let unpriced_requests = agents.iter().map(|agent| agent.sums.unpriced).sum();
    let over = agents.into_iter().filter_map(|agent| Some((agent.budget()?, agent.overage()?, agent)));
    let over: Vec<_> = over.collect();
    let alert_count = over.len();
    let place = |(_, overage, spending): &(Usd, Usd, Spending)| {
        Place::ranked(overage.dollars(), spending.agent.id.as_str())
    };
    let page = page.of(over, place, |(budget, overage, agent)| alert(budget, overage, agent))?;
    Ok(Json(Response { alert_count, alerts: page.rows, unpriced_requests, next_cursor: page.next_cursor }))
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
