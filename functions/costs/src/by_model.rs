//! `GET /api/cost-analysis/by-model`: the cost of a month by model.

use axum::Json;
use axum::extract::State;
use ledger::ids::ModelKey;
use ledger::money::{Number, percent};
use ledger::rollup::ModelFigures;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::params::Period;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/cost-analysis/by-model", Scope::CostsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Highest cost first, then by provider and model.
    models: Vec<Box<RawValue>>,
    /// Of all pages.
    unpriced_requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    model: String,
    provider: String,
    /// Cache reads and writes included.
    input_cost: Number,
    cache_read_cost: Number,
    cache_write_cost: Number,
    output_cost: Number,
    /// What is billed by count.
    units_cost: Number,
    total_cost: Number,
    /// All input: uncached, read from a cache and written to one.
    input_tokens: u64,
    output_tokens: u64,
    /// Share of the cost in percent.
    pct_of_total: Number,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query((period, page)): Query<(Period, PageRequest<Decimal>)>,
) -> Result<Json<Response>> {
    let used = period.of_org(&app, &caller).await?;
    let all = used.total();
    let place = |(key, sums): &(ModelKey, ModelFigures)| {
        Place::ranked(sums.cost().dollars(), format!("{}\0{}", key.provider, key.model))
    };
    let page = page.of(used.models, place, |(key, sums)| model(key, &sums, &all))?;
    Ok(Json(Response { models: page.rows, unpriced_requests: all.unpriced, next_cursor: page.next_cursor }))
}

fn model(key: ModelKey, sums: &ModelFigures, all: &ModelFigures) -> Model {
    Model {
        model: key.model,
        provider: key.provider,
        input_cost: Number::usd(sums.input_cost()),
        cache_read_cost: Number::usd(sums.cache_read_cost),
        cache_write_cost: Number::usd(sums.cache_write_cost),
        output_cost: Number::usd(sums.output_cost),
        units_cost: Number::usd(sums.units_cost),
        total_cost: Number::usd(sums.cost()),
        input_tokens: sums.tokens.whole_input(),
        output_tokens: sums.tokens.output,
        pct_of_total: percent(sums.cost().dollars(), all.cost().dollars()),
        unpriced_requests: sums.unpriced,
    }
}
