//! `GET /api/cost-analysis/by-provider`: the cost of a month by provider.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ledger::money::{Number, Usd};
use ledger::pricing::display_name;
use ledger::rollup::{ModelFigures, OTHER};
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::bounded::{MAX_ROWS, dearest};
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
    let mut providers: BTreeMap<String, Used> = BTreeMap::new();
    for (key, sums) in used.models {
        let (total, models) = providers.entry(key.provider).or_default();
        *total += sums;
        models.push((sums.cost(), key.model));
    }
    let merge = |(total, models): &mut Used, (more, others): Used| {
        *total += more;
        models.extend(others);
    };
    // By id before, so that providers of equal cost stay ordered by id.
    let rows = dearest(providers, |(total, _)| total.cost(), OTHER.to_owned(), merge);
    let mut names = MAX_ROWS;
    let providers = rows.into_iter().map(|(id, (total, models))| {
        let row = provider(id, &total, models, names);
        names -= row.models.len().min(names);
        row
    });
    Ok(Json(Response { providers: providers.collect(), unpriced_requests }))
}

/// The sum of a provider, and the cost of each of its models.
type Used = (ModelFigures, Vec<(Usd, String)>);

/// `names` are the most models that are named. The others have one name.
fn provider(id: String, total: &ModelFigures, mut models: Vec<(Usd, String)>, names: usize) -> Provider {
    // The sort is stable, as above.
    models.sort_by_key(|(cost, _)| Reverse(*cost));
    let has_others = models.len() > names;
    models.truncate(names);
    let mut models: Vec<_> = models.into_iter().map(|(_, model)| model).collect();
    if has_others && models.iter().all(|model| model != OTHER) {
        models.push(OTHER.to_owned());
    }
    Provider {
        provider_name: display_name(&id).to_owned(),
        provider_id: id,
        total_cost: Number::usd(total.cost()),
        total_tokens: total.tokens.total(),
        models,
        unpriced_requests: total.unpriced,
    }
}
