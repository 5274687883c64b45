//! `GET`, `PUT` and `DELETE /api/projects/{id}`: a project. DELETE takes its name away; a project that events have
//! named goes on without.
//!
//! Its GET is not reached under an id that ends with `/usage`, unless that slash is escaped twice (`%252F`):
//! `/api/projects/{id}/usage` is an endpoint of its own.

use axum::extract::State;
use http::StatusCode;
use ledger::ids::ProjectId;
use ledger::period::Day;
use ledger::settings::ProjectSettings;
use serde::Serialize;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Error;
use web::error::Result;
use web::fields::Fields;
use web::route::Route;

use crate::answer::Versioned;
use crate::body::Body;
use crate::edit::Edit;
use crate::input::{NAME, Path, both, text};

/// The routes of this thing.
pub fn routes() -> Vec<Route> {
    let path = "/api/projects/{id+}";
    vec![
        Route::get(path, Scope::RegistryRead, get),
        Route::put(path, Scope::RegistryWrite, put),
        Route::delete(path, Scope::RegistryWrite, delete),
    ]
}

/// A project: what was set of it, and when events named it.
#[derive(Debug, Serialize)]
pub struct Project {
    id: ProjectId,
    name: Option<String>,
    /// Whether someone registered it.
    registered: bool,
    /// The day of its first use.
    first_seen: Option<Day>,
    /// The day of its last.
    last_seen: Option<Day>,
}

async fn get(State(app): State<App>, caller: Caller, path: Path) -> Result<Versioned<Project>> {
    let id: ProjectId = path.id("id").map_err(Error::Validation)?;
    let stored = app.store.known(&keys::project(&caller.org, &id), true).await?;
    if stored.exists() { Ok(view(id, &stored)) } else { Err(not_found().into()) }
}

async fn put(
    State(app): State<App>,
    Edit(editor): Edit,
    path: Path,
    body: Body,
) -> Result<Versioned<Project>> {
    let (id, wanted) = both(path.id::<ProjectId>("id"), body.read(settings))?;
    let entity = entity(keys::project(&editor.org, &id), &id);
    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    let stored = app.store.change(&editor, &entity, decide).await?;
    Ok(view(id, &stored))
}

async fn delete(State(app): State<App>, Edit(editor): Edit, path: Path) -> Result<StatusCode> {
    let id: ProjectId = path.id("id").map_err(Error::Validation)?;
    let entity = entity(keys::project(&editor.org, &id), &id);
    let decide = |stored: &Stored<ProjectSettings>| match &stored.settings {
        Some(_) => Ok(Next::Clear),
        None if stored.exists() => Ok(Next::Keep),
        None => Err(not_found()),
    };
    app.store.change(&editor, &entity, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(key: keys::Key, id: &ProjectId) -> Entity<'static> {
    Entity { key, what: format!("project {id}"), agent: None, always_there: false }
}

const fn not_found() -> store::Error {
    store::Error::NotFound("Project not found")
}

/// How a project is shown.
pub(crate) fn view(id: ProjectId, stored: &Stored<ProjectSettings>) -> Versioned<Project> {
    let project = Project {
        id,
        name: stored.settings.as_ref().and_then(|settings| settings.name.clone()),
        registered: stored.settings.is_some(),
        first_seen: stored.seen.as_ref().map(|seen| seen.first),
        last_seen: stored.seen.as_ref().map(|seen| seen.last),
    };
    Versioned::new(project, stored)
}

fn settings(fields: &mut Fields<'_>) -> ProjectSettings {
    ProjectSettings { name: fields.optional("name", text(NAME)) }
}
