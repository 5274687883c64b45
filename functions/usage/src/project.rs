//! `GET /api/projects/{id}/usage`: the compute usage of one project, by hour, day or month.

use axum::Json;
use axum::extract::State;
use ledger::ids::ProjectId;
use web::auth::Scope;
use web::both::Both;
use web::caller::Caller;
use web::error::{Error, Result};
use web::page::PageRequest;
use web::path::Path;
use web::query::Query;

use crate::params::Params;
use crate::report::{self, ProjectNames, Report, report};
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/projects/{id+}/usage", Scope::UsageRead, handle).with_figures()
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Both(Path(id), Query((params, page))): Both<Path<ProjectId>, Query<(Params, PageRequest)>>,
) -> Result<Json<Report>> {
    let Params { unit, requested } = params;
    let (project, used) = report::of_project(&app, &caller.org, unit, requested, &id).await?;
    // A project's usage may be aggregated a moment before the registry lists the project.
    if project.is_none() && used.buckets.is_empty() {
        return Err(Error::NotFound("Project not found"));
    }
    report(unit, used, &ProjectNames::new(project), Some(&id), &page).map(Json)
}
