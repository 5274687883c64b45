//! `GET /api/projects`: every project that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use ledger::ids::ProjectId;
use ledger::settings::ProjectSettings;
use store::keys::registry::PROJECT;
use store::registry::Stored;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::project;
use crate::response::ItemsPage;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/projects", Scope::RegistryRead, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageRequest>,
) -> Result<Json<ItemsPage>> {
    // One more than fit on the page, so that it knows of a next one.
    let projects =
        app.tables.registry.stored_after(&caller.org, PROJECT, page.after_id(), page.limit + 1).await?;
    let place = |(id, _): &(ProjectId, Stored<ProjectSettings>)| Place::by_id(id.as_str());
    let page = page.of(projects, place, |(id, stored)| project::view(id, &stored))?;
    Ok(Json(page.into()))
}
