//! `GET /api/projects`: every project that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use futures::try_join;
use store::keys::registry::PROJECT;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::project::{self, Project};
use crate::response::Items;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/projects", Scope::RegistryRead, handle)
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Items<Project>>> {
    let registry = &app.tables.registry;
    let (projects, calendar) =
        try_join!(registry.all_stored(&caller.org, PROJECT), registry.calendar(&caller.org))?;
    let items = projects.into_iter().map(|(id, stored)| project::view(id, &stored, calendar.zone)).collect();
    Ok(Json(Items { items }))
}
