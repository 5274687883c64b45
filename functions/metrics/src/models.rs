//! `GET /v1/metrics/models`: usage by model, most requests first.

use axum::Json;
use axum::extract::State;
use ledger::money::{Number, Usd, percent};
use ledger::rollup::OrgDay;
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::params::Params;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/v1/metrics/models", Scope::MetricsRead, handle)
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Most requests first, then by provider and model.
    models: Vec<Model>,
    total_requests: u64,
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
struct Model {
    estimated_cost_usd: Usd,
    model: String,
    /// Share of all requests in percent.
    pct_of_total: Number,
    provider: String,
    request_count: u64,
    tokens_in: u64,
    tokens_out: u64,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let days = params.org_days(&app, &caller).await?.days;
    let mut all = OrgDay::default();
    for day in days.into_values() {
        all.merge(day);
    }
    let total = all.total();
    let mut models: Vec<_> = all.models.into_iter().collect();
    // The sort is stable: models with equally many requests stay ordered by name.
    models.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.requests));
    let model = |(key, sums): (ledger::ids::ModelKey, ledger::rollup::ModelFigures)| Model {
        estimated_cost_usd: sums.cost(),
        model: key.model,
        pct_of_total: percent(sums.requests.into(), total.requests.into()),
        provider: key.provider,
        request_count: sums.requests,
        tokens_in: sums.tokens.whole_input(),
        tokens_out: sums.tokens.output,
        unpriced_requests: sums.unpriced,
    };
    Ok(Json(Response {
        models: models.into_iter().map(model).collect(),
        total_requests: total.requests,
        unpriced_requests: total.unpriced,
    }))
}
