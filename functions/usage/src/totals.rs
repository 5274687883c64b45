//! `GET /api/usage/totals`: the compute usage of each project over a range of days.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::calendar::Calendar;
use ledger::ids::ProjectId;
use ledger::rollup::Compute;
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::params::check;
use crate::range::{RequestedRange, Unit, count};
use crate::report::ProjectNames;
use crate::row::Row;
use crate::{App, Route};

/// The `periodType` of the rows.
const PERIOD: &str = "total";

pub fn route() -> Route {
    Route::get("/api/usage/totals", Scope::UsageRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Projects with usage, by id.
    totals: Vec<Box<RawValue>>,
    #[serde(rename = "nextCursor", skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query((requested, page)): Query<(RequestedRange, PageRequest)>,
) -> Result<Json<Response>> {
    let (org, now) = (&caller.org, app.clock.now());
    let range = |zone| requested.days_of_total(zone, now);
    check(count(range(chrono_tz::UTC), Unit::Day), Unit::Day.max_buckets() + 2)?;
    let found = app
        .tables
        .registry
        .fetch_in_zone(org, range, |of, days| app.tables.usage.compute_days(org, of, days, None));
    let ((Calendar { zone, .. }, found), projects) = try_join!(found, app.tables.registry.projects(org))?;
    let days = range(zone);
    check(count(days, Unit::Day), Unit::Day.max_buckets())?;
    let mut totals: BTreeMap<ProjectId, Compute> = BTreeMap::new();
    for (_, project, used) in found.into_iter().filter(|(day, ..)| days.contains(*day)) {
        totals.entry(project).or_default().merge(used);
    }
    let (names, start) = (ProjectNames::new(projects), days.first.start(zone));
    let row = |(project, used)| Row::new(&used, start, PERIOD, names.of(&project));
    let page = page.of(totals, |(project, _)| Place::by_id(project.as_str()), row)?;
    Ok(Json(Response { totals: page.rows, next_cursor: page.next_cursor }))
}
