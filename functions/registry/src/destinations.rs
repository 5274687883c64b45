//! `GET /api/alerts/destinations`: all alert destinations, by id, without secrets.

use axum::Json;
use axum::extract::State;
use store::keys::registry::DESTINATION;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::destination::{self, Destination};
use crate::response::Items;

pub fn route() -> Route {
    Route::get("/api/alerts/destinations", Scope::RegistryRead, handle)
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Items<Destination>>> {
    let all = app.store.all_stored(&caller.org, DESTINATION).await?;
    let items = all.iter().map(|(id, stored)| destination::view(id, stored, None)).collect();
    Ok(Json(Items { items }))
}
