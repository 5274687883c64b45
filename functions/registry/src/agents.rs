//! `GET /api/agents`: every agent that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use futures::try_join;
use store::keys::registry::AGENT;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::agent::{self, Agent};
use crate::response::Items;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/agents", Scope::RegistryRead, handle)
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Items<Agent>>> {
    let registry = &app.tables.registry;
    let (agents, calendar) =
        try_join!(registry.all_stored(&caller.org, AGENT), registry.calendar(&caller.org))?;
    let items = agents.into_iter().map(|(id, stored)| agent::view(id, &stored, calendar.zone)).collect();
    Ok(Json(Items { items }))
}
