//! `GET /v1/metrics/models`: usage by model, most requests first.

use axum::Json;
use axum::extract::State;
use ledger::ids::ModelKey;
use ledger::money::{Number, Usd, percent};
use ledger::rollup::{ModelFigures, OrgDay};
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
    Route::get("/v1/metrics/models", Scope::MetricsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Most requests first, then by provider and model.
    models: Vec<Box<RawValue>>,
    /// Of all pages.
    total_requests: u64,
    unpriced_requests: u64,
    #[serde(rename = "nextCursor", skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
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
    Query((params, page)): Query<(Params, PageRequest<u64>)>,
) -> Result<Json<Response>> {
    let days = params.org_days(&app, &caller).await?.days;
    let mut all = OrgDay::default();
    for day in days.into_values() {
        all.merge(day);
    }
    let total = all.total();
    let model = |(key, sums): (ModelKey, ModelFigures)| Model {
        estimated_cost_usd: sums.cost(),
        model: key.model,
        pct_of_total: percent(sums.requests.into(), total.requests.into()),
        provider: key.provider,
        request_count: sums.requests,
        tokens_in: sums.tokens.whole_input(),
        tokens_out: sums.tokens.output,
        unpriced_requests: sums.unpriced,
    };
    let place = |(key, sums): &(ModelKey, ModelFigures)| {
        Place::ranked(sums.requests, format!("{}\0{}", key.provider, key.model))
    };
    let page = page.of(all.models, place, model)?;
    Ok(Json(Response {
        models: page.rows,
        total_requests: total.requests,
        unpriced_requests: total.unpriced,
        next_cursor: page.next_cursor,
    }))
}
