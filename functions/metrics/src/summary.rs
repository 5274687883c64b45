//! `GET /v1/metrics/summary`: totals of the last days.

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::money::Usd;
use ledger::rollup::OrgDay;
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::params::{Days, Params};
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/v1/metrics/summary", Scope::MetricsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Agents with at least one call.
    active_instances: usize,
    estimated_cost_usd: Usd,
    period_days: u32,
    total_requests: u64,
    total_tokens: u64,
    /// All input: uncached, read from a cache and written to one.
    total_tokens_in: u64,
    total_tokens_out: u64,
    /// Distinct pairs of provider and model.
    unique_models: usize,
    /// Calls without a price. If there are any, the cost is a lower bound.
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let (Days { zone, window, days }, agents) =
        try_join!(params.org_days(&app, &caller), app.tables.registry.agents(&caller.org))?;
    let mut all = OrgDay::default();
    for day in days.into_values() {
        all.merge(day);
    }
    let total = all.total();
    let seen = agents.iter().filter_map(|agent| agent.seen.as_ref());
    Ok(Json(Response {
        active_instances: seen.filter(|seen| seen.called_between(window, zone)).count(),
        estimated_cost_usd: total.cost(),
        period_days: params.days,
        total_requests: total.requests,
        total_tokens: total.tokens.total(),
        total_tokens_in: total.tokens.whole_input(),
        total_tokens_out: total.tokens.output,
        unique_models: all.models.len(),
        unpriced_requests: total.unpriced,
    }))
}
