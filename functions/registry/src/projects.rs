//! `GET /api/projects`: every project that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use futures::try_join;
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
    let registry = &app.tables.registry;
    // One more than fit on the page, so that it knows of a next one.
    let stored = registry.stored_after(&caller.org, PROJECT, page.after_id(), page.limit + 1);
    let (projects, calendar) = try_join!(stored, registry.calendar(&caller.org))?;
    let place = |(id, _): &(ProjectId, Stored<ProjectSettings>)| Place::by_id(id.as_str());
    let page = page.of(projects, place, |(id, stored)| project::view(id, &stored, calendar.zone))?;
    Ok(Json(page.into()))
}
