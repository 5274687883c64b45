//! `GET /api/alerts/destinations`: all alert destinations, by id, without secrets.

use axum::Json;
use axum::extract::State;
use store::keys::registry::DESTINATION;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::PageRequest;
use web::query::Query;

use crate::destination;
use crate::list;
use crate::response::ItemsPage;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/alerts/destinations", Scope::RegistryRead, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageRequest>,
) -> Result<Json<ItemsPage>> {
    let view = |id, stored: &_, _| destination::view(id, stored, None, Vec::new());
    list::page(&app, &caller, DESTINATION, &page, view).await
}
