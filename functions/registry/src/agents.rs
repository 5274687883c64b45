//! `GET /api/agents`: every agent that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use store::keys::registry::AGENT;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::agent::{self, Agent};
use crate::response::Items;

pub fn route() -> Route {
    Route::get("/api/agents", Scope::RegistryRead, handle)
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Items<Agent>>> {
    let agents = app.store.all_stored(&caller.org, AGENT).await?;
    let items = agents.into_iter().map(|(id, stored)| agent::view(id, &stored)).collect();
    Ok(Json(Items { items }))
}
