//! `GET /api/cost-analysis/pricing`: the price book with the organization's own prices applied.
//!
//! Prices change at midnight UTC, so the day is a UTC day: today or the one given in `at`.

mod model;
mod page;
mod params;

use axum::Json;
use axum::extract::State;
use ledger::pricing::{Pricer, date_of};
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::fitting;
use web::query::Query;

use crate::{App, Route};

use model::Model;
use page::Cursor;
use params::Params;

pub fn route() -> Route {
    Route::get("/api/cost-analysis/pricing", Scope::CostsRead, handle)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// By provider, then by id.
    models: Vec<Box<RawValue>>,
    /// Where the next page starts; null on the last page.
    next_cursor: Option<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    // Not from the cache: a caller that has just set a price checks here whether it took effect.
    let settings = app.tables.registry.settings(&caller.org).await?;
    let today = app.clock.now().date_naive();
    respond(settings.pricer(), &params, today).map(Json)
}

fn respond(pricer: Pricer<'_>, params: &Params, today: chrono::NaiveDate) -> Result<Response> {
    let day = date_of(params.at.unwrap_or(today));
    let mut models = pricer.list(day);
    models.retain(|model| {
        params.filter.accepts(model) && params.after.as_ref().is_none_or(|cursor| cursor.is_before(model))
    });
    let shown = models.iter().map(|model| {
        let rows = pricer.rows(&model.provider, &model.id, day);
        Model::new(model, &rows, day)
    });
    let models_shown = fitting(shown, params.limit)?;
    let next = models.get(models_shown.len()).and(models_shown.len().checked_sub(1));
    let next_cursor = next.map(|last| Cursor::after(&models[last]).to_string());
    Ok(Response { models: models_shown, next_cursor })
}

#[cfg(test)]
mod tests;
