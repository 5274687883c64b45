//! `POST /api/alerts/{id}/redeliver`: has an alert delivered again by the next run, to every outlet that it was meant
//! for: those that have it, those that were given up, and those that are still to be tried. It keeps its id and its
//! bytes. An alert that was superseded is told to nobody: 409.

use axum::Json;
use axum::extract::State;
use ledger::ids::Name;
use web::app::App;
use web::auth::Scope;
use web::error::Error;
use web::error::Result;
use web::route::Route;

use crate::alerts::{self, Alert};
use crate::edit::Edit;
use crate::input::Path;

/// The route of this endpoint.
pub fn route() -> Route {
    Route::post("/api/alerts/{id}/redeliver", Scope::RegistryWrite, handle)
}

async fn handle(State(app): State<App>, Edit(editor): Edit, path: Path) -> Result<Json<Alert>> {
    let id: Name = path.id("id").map_err(Error::Validation)?;
    let alert = app.store.redeliver(&editor, id.as_str()).await?;
    alerts::view(&alert).map(Json)
}
