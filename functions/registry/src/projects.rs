//! `GET /api/projects`: every project that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use store::keys::registry::PROJECT;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::PageRequest;
use web::query::Query;

use crate::list;
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
    list::page(&app, &caller, PROJECT, &page, project::view).await
}
