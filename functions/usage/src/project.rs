//! `GET /api/projects/{id}/usage`: the compute of one project, by hour, day or month.
//!
//! An id with slashes is reached where they are escaped twice (`%252F`), or by `/api/usage?project_id=`: API Gateway
//! resolves the escapes of a path once before it looks for a route.

use axum::Json;
use axum::extract::State;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Result};
use web::route::Route;

use crate::params::{OfProject, Params};
use crate::report::{self, Names, Report, report};

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/api/projects/{id}/usage", Scope::UsageRead, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    OfProject(id, Params { unit, asked }): OfProject,
) -> Result<Json<Report>> {
    let (project, used) = report::of_project(&app, &caller.org, unit, asked, &id).await?;
    // Its usage may be summed a moment before the registry hears of a project.
    if project.is_none() && used.buckets.is_empty() {
        return Err(Error::NotFound("Project not found"));
    }
    Ok(Json(report(unit, used, &Names::new(project), Some(&id))))
}
