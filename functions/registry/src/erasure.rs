//! `DELETE /api/end-users/{id}`: forgets the name of an end user. `GET /api/erasures` shows the progress.
//!
//! Reconcile replaces the name with a random stand-in in all stored events, which takes longer than a request may.
//! Figures and numbers of end users stay as they are. Neither the list nor the audit entry contains the name; the
//! stored request does until the erasure is done. Events that are sent with the name afterwards are stored like any
//! others.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use ledger::ids::Label;
use ledger::period::rfc3339;
use serde::Serialize;
use store::erasure::Erasure as Stored;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Fault, Result};
use web::path::{FromPath, Path, PathReader};

use crate::edit::Edit;
use crate::response::{Items, Versioned};
use crate::{App, Route};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/erasures", Scope::RegistryRead, list),
        Route::delete("/api/end-users/{id+}", Scope::RegistryWrite, delete),
    ]
}

#[derive(Debug, Serialize)]
pub struct Erasure {
    id: String,
    /// `pending` or `done`.
    status: &'static str,
    who: String,
    requested_at: String,
    completed_at: Option<String>,
    /// Days to be read, in two passes; 0 before the first run.
    days: u32,
    days_read: u32,
    /// Events in which the name was replaced.
    events: u64,
    /// Events that could not be read, and may still contain the name.
    unreadable_events: u64,
}

/// The name of an end user, normalized as in events.
struct EndUserName(Label);

impl FromPath for EndUserName {
    fn from_path(path: &PathReader) -> Result<Self> {
        let name = Label::new(path.text("id")).map_err(|_| {
            let msg = "Name should have 1 to 256 characters, and no control characters";
            Fault::new(vec!["path".into(), "id".into()], "label", msg)
        });
        Ok(Self(name?))
    }
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Items<Erasure>>> {
    let all = app.tables.registry.erasures(&caller.org).await?;
    Ok(Json(Items { items: all.into_iter().map(view).collect() }))
}

async fn delete(
    State(app): State<App>,
    Edit(editor): Edit,
    Path(EndUserName(name)): Path<EndUserName>,
) -> Result<(StatusCode, Json<Versioned<Erasure>>)> {
    let stored = app.tables.registry.add_erasure(&app.tables.events, &editor, name).await?;
    Ok((StatusCode::ACCEPTED, Json(view(stored))))
}

fn view(stored: Stored) -> Versioned<Erasure> {
    let Stored { id, settings, etag, work, progress, .. } = stored;
    let erasure = Erasure {
        id,
        status: if work.is_some() { "pending" } else { "done" },
        who: settings.who,
        requested_at: rfc3339(settings.at),
        completed_at: progress.completed.map(rfc3339),
        days: progress.days,
        days_read: progress.days_read,
        events: progress.events,
        unreadable_events: progress.unreadable,
    };
    Versioned::with_etag(erasure, etag)
}
