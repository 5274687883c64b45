//! `GET /v1/metrics/usage`: daily usage, with a point for every day.

use axum::Json;
use axum::extract::State;
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
    Route::get("/v1/metrics/usage", Scope::MetricsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    period_days: u32,
    /// Every day of the window, oldest first.
    points: Vec<Point>,
    /// Calls without a price, over all days. If there are any, the costs are lower bounds.
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
struct Point {
    /// `yyyy-mm-dd` in the organization's time zone.
    date: String,
    estimated_cost_usd: Usd,
    requests: u64,
    tokens_in: u64,
    tokens_out: u64,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let Days { window, days, .. } = params.org_days(&app, &caller).await?;
    let point = |day| {
        let total = days.get(&day).map(OrgDay::total).unwrap_or_default();
        Point {
            date: day.to_string(),
            estimated_cost_usd: total.cost(),
            requests: total.requests,
            tokens_in: total.tokens.whole_input(),
            tokens_out: total.tokens.output,
            unpriced_requests: total.unpriced,
        }
    };
    let points: Vec<_> = window.days().map(point).collect();
    let unpriced_requests = points.iter().map(|point| point.unpriced_requests).sum();
    Ok(Json(Response { period_days: params.days, points, unpriced_requests }))
}
