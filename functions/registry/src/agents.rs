//! `GET /api/agents`: every agent that is registered or was named by an event, by id.

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::AgentId;
use ledger::settings::AgentSettings;
use store::keys::registry::AGENT;
use store::registry::Stored;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::agent;
use crate::response::ItemsPage;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/agents", Scope::RegistryRead, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageRequest>,
) -> Result<Json<ItemsPage>> {
    let registry = &app.tables.registry;
    // One more than fit on the page, so that it knows of a next one.
    let stored = registry.stored_after(&caller.org, AGENT, page.after_id(), page.limit + 1);
    let (agents, calendar) = try_join!(stored, registry.calendar(&caller.org))?;
    let place = |(id, _): &(AgentId, Stored<AgentSettings>)| Place::by_id(id.as_str());
    let page = page.of(agents, place, |(id, stored)| agent::view(id, &stored, calendar.zone))?;
    Ok(Json(page.into()))
}
