//! `POST /api/alerts/{id}/redeliver`: delivers an alert again on the next run, to all of its channels, whatever the
//! state of each delivery. The message keeps its id and its bytes. A superseded alert was never sent: 409.

use axum::Json;
use axum::extract::State;
use ledger::ids::Name;
use web::app::App;
use web::auth::Scope;
use web::error::Result;
use web::path::Path;
use web::route::Route;

use crate::alerts::{self, Alert};
use crate::edit::Edit;

pub fn route() -> Route {
    Route::post("/api/alerts/{id}/redeliver", Scope::RegistryWrite, handle)
}

async fn handle(State(app): State<App>, Edit(editor): Edit, Path(id): Path<Name>) -> Result<Json<Alert>> {
    let alert = app.store.redeliver(&editor, id.as_str()).await?;
    alerts::view(&alert).map(Json)
}
