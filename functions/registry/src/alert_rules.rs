//! `GET /api/alerts/rules`: all alert rules, by id.

use axum::Json;
use axum::extract::State;
use store::keys::registry::ALERT_RULE;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::alert_rule::{self, AlertRule};
use crate::response::Items;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/alerts/rules", Scope::RegistryRead, handle)
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Items<AlertRule>>> {
    let all = app.tables.registry.all_stored(&caller.org, ALERT_RULE).await?;
    let items = all.iter().filter_map(|(id, stored)| alert_rule::view(id, stored)).collect();
    Ok(Json(Items { items }))
}
