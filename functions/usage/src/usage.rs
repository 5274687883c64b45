//! `GET /api/usage`: the compute usage of all projects or of one, by hour, day or month.

use axum::Json;
use axum::extract::State;
use futures::{TryFutureExt, try_join};
use ledger::ids::ProjectId;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::PageRequest;
use web::query::{FromQuery, Query, QueryReader};

use crate::params::Params;
use crate::report::{self, ProjectNames, Report, report};
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/usage", Scope::UsageRead, handle).with_figures()
}

struct ReportQuery {
    params: Params,
    /// Only this project.
    project_id: Option<ProjectId>,
    page: PageRequest,
}

impl FromQuery for ReportQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let project_id = query.id("project_id");
        Self { params: Params::from_query(query), project_id, page: PageRequest::from_query(query) }
    }
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(ReportQuery { params, project_id, page }): Query<ReportQuery>,
) -> Result<Json<Report>> {
    let (org, Params { unit, requested }) = (&caller.org, params);
    let Some(id) = project_id else {
        let used = report::read(&app, org, unit, requested, None);
        let (used, projects) = try_join!(used, app.tables.registry.projects(org).err_into())?;
        return report(unit, used, &ProjectNames::new(projects), None, &page).map(Json);
    };
    let (project, used) = report::of_project(&app, org, unit, requested, &id).await?;
    report(unit, used, &ProjectNames::new(project), Some(&id), &page).map(Json)
}
