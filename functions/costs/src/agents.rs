//! `GET /api/cost-analysis/agents`: the cost of a month by agent, compared with the agents' budgets.
//!
//! Every agent that made a call in the month has a row, and so has every registered agent that is not archived.

use axum::Json;
use axum::extract::State;
use ledger::ids::AgentId;
use ledger::money::{Number, fraction};
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
    Route::get("/api/cost-analysis/agents", Scope::CostsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Highest cost first, then by id.
    agents: Vec<Box<RawValue>>,
    /// Of all pages.
    unpriced_requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: AgentId,
    name: String,
    /// The registered model, else the most called one, else empty.
    model_name: String,
    actual_cost: Number,
    budget: Option<Number>,
    /// Cost divided by budget; 0 without a budget.
    utilization: Number,
    over_budget: bool,
    status: &'static str,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query((period, page)): Query<(Period, PageRequest<Decimal>)>,
) -> Result<Json<Response>> {
    let agents = period.of_agents(&app, &caller).await?;
    let unpriced_requests = agents.iter().map(|agent| agent.sums.unpriced).sum();
    let place = |row: &Spending| Place::ranked(row.sums.cost.dollars(), row.agent.id.as_str());
    let page = page.of(agents, place, row)?;
    Ok(Json(Response { agents: page.rows, unpriced_requests, next_cursor: page.next_cursor }))
}

fn row(spending: Spending) -> Row {
    let budget = spending.budget();
    Row {
        name: spending.agent.name().to_owned(),
        actual_cost: Number::usd(spending.sums.cost),
        budget: budget.map(Number::usd),
        utilization: fraction(spending.sums.cost.dollars(), budget.unwrap_or_default().dollars()),
        over_budget: spending.overage().is_some(),
        status: spending.agent.status().as_str(),
        unpriced_requests: spending.sums.unpriced,
        model_name: spending.model_name,
        id: spending.agent.id,
    }
}
