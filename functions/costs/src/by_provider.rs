//! `GET /api/cost-analysis/by-provider`: the cost of a month by provider.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ledger::money::{Number, Usd};
use ledger::pricing::display_name;
use ledger::rollup::ModelFigures;
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::params::Period;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/cost-analysis/by-provider", Scope::CostsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Highest cost first, then by id.
    providers: Vec<Provider>,
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    provider_id: String,
    provider_name: String,
    total_cost: Number,
    /// Input and output.
    total_tokens: u64,
    /// Highest cost first, then by name.
    models: Vec<String>,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(period): Query<Period>,
) -> Result<Json<Response>> {
    let used = period.of_org(&app, &caller).await?;
    let unpriced_requests = used.total().unpriced;
    let mut providers: BTreeMap<String, (ModelFigures, Vec<(Usd, String)>)> = BTreeMap::new();
    for (key, sums) in used.models {
        let (total, models) = providers.entry(key.provider).or_default();
        *total += sums;
        models.push((sums.cost(), key.model));
    }
    let mut rows: Vec<_> = providers.into_iter().collect();
    // The sort is stable: providers of equal cost stay ordered by id. The same holds for models, below.
    rows.sort_by_key(|(_, (total, _))| Reverse(total.cost()));
    let providers = rows.into_iter().map(|(id, (total, models))| provider(id, &total, models)).collect();
    Ok(Json(Response { providers, unpriced_requests }))
}

fn provider(id: String, total: &ModelFigures, mut models: Vec<(Usd, String)>) -> Provider {
    models.sort_by_key(|(cost, _)| Reverse(*cost));
    Provider {
        provider_name: display_name(&id).to_owned(),
        provider_id: id,
        total_cost: Number::usd(total.cost()),
        total_tokens: total.tokens.total(),
        models: models.into_iter().map(|(_, model)| model).collect(),
        unpriced_requests: total.unpriced,
    }
}
