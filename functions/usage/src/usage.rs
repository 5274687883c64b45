//! `GET /api/usage`: the compute of all projects, or of one, by hour, day or month.

use axum::Json;
use axum::extract::State;
use futures::{TryFutureExt, try_join};
use ledger::ids::ProjectId;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::{FromQuery, Params as Query, Query as Given};
use web::route::Route;

use crate::params::Params;
use crate::report::{self, Names, Report, report};

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/api/usage", Scope::UsageRead, handle)
}

/// What is asked, and of which project.
struct Asks {
    params: Params,
    /// Without one, all.
    project_id: Option<ProjectId>,
}

impl FromQuery for Asks {
    fn from_query(query: &mut Given) -> Self {
        let project_id = query.id("project_id").and_then(|id| ProjectId::new(id).ok());
        Self { params: Params::from_query(query), project_id }
    }
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(Asks { params, project_id }): Query<Asks>,
) -> Result<Json<Report>> {
    let (org, Params { unit, asked }) = (&caller.org, params);
    let Some(id) = project_id else {
        let used = report::read(&app, org, unit, asked, None);
        let (used, projects) = try_join!(used, app.store.projects(org).err_into())?;
        return Ok(Json(report(unit, used, &Names::new(projects), None)));
    };
    let (project, used) = report::of_project(&app, org, unit, asked, &id).await?;
    Ok(Json(report(unit, used, &Names::new(project), Some(&id))))
}
