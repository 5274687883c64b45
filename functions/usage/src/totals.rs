//! `GET /api/usage/totals`: the compute of each project over a range of days.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::ProjectId;
use ledger::rollup::Compute;
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Params as Query;
use web::route::Route;

use crate::params::check;
use crate::range::{Asked, Unit, count};
use crate::report::Names;
use crate::row::Row;

/// What the rows' periods are called.
const PERIOD: &str = "total";

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/api/usage/totals", Scope::UsageRead, handle)
}

/// The totals.
#[derive(Debug, Serialize)]
pub struct Response {
    /// Projects with usage, by id.
    totals: Vec<Row>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Response>> {
    let (org, now) = (&caller.org, app.clock.now());
    let range = |zone| asked.days_of_total(zone, now);
    check(count(range(chrono_tz::UTC), Unit::Day), Unit::Day.most() + 2)?;
    let found = app.in_zone(org, range, |days| app.store.compute_days(org, days, None));
    let ((zone, found), projects) = try_join!(found, app.store.projects(org))?;
    let days = range(zone);
    check(count(days, Unit::Day), Unit::Day.most())?;
    let mut totals: BTreeMap<ProjectId, Compute> = BTreeMap::new();
    for (_, project, used) in found.into_iter().filter(|(day, ..)| days.contains(*day)) {
        totals.entry(project).or_default().merge(used);
    }
    let (names, start) = (Names::new(projects), days.first.start(zone));
    let row = |(project, used)| Row::new(&used, start, PERIOD, names.of(&project));
    Ok(Json(Response { totals: totals.into_iter().map(row).collect() }))
}
