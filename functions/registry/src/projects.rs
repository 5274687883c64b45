//! `GET /api/projects`: every project that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use store::keys::registry::PROJECT;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::project::{self, Project};
use crate::response::Items;

pub fn route() -> Route {
    Route::get("/api/projects", Scope::RegistryRead, handle)
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Items<Project>>> {
    let projects = app.store.all_stored(&caller.org, PROJECT).await?;
    let items = projects.into_iter().map(|(id, stored)| project::view(id, &stored)).collect();
    Ok(Json(Items { items }))
}
