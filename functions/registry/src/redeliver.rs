//! `POST /api/alerts/{id}/redeliver`: delivers an alert again on the next run, to all of its channels, whatever the
//! state of each delivery, and to destinations that were added since. The message keeps its id and its bytes. For a
//! superseded alert, which was never sent, this is a 409.

use axum::Json;
use axum::extract::State;
use ledger::ids::Name;
use web::auth::Scope;
use web::error::Result;
use web::path::Path;

use crate::alerts::{self, Alert};
use crate::edit::Edit;
use crate::{App, Route};

pub fn route() -> Route {
    Route::post("/api/alerts/{id}/redeliver", Scope::RegistryWrite, handle)
}

async fn handle(State(app): State<App>, Edit(editor): Edit, Path(id): Path<Name>) -> Result<Json<Alert>> {
    let alert = app.tables.registry.redeliver(&app.tables.events, &editor, id.as_str()).await?;
    alerts::view(&alert).map(Json)
}
