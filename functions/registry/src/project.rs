//! `GET`, `PUT` and `DELETE /api/projects/{id}`. DELETE removes the name from the registry, but reports on the
//! project's usage still show it. A project that occurs in events stays listed.

use axum::extract::State;
use chrono_tz::Tz;
use futures::try_join;
use http::StatusCode;
use ledger::ids::ProjectId;
use ledger::period::Day;
use ledger::settings::ProjectSettings;
use runtime::config::Config;
use serde::Serialize;
use store::keys;
use store::registry::{Entity, Next, Stored};
use web::auth::Scope;
use web::body::FromBody;
use web::caller::Caller;
use web::error::Result;
use web::fields::{FieldReader, text};
use web::path::Path;

use crate::edit::Edit;
use crate::limits::NAME;
use crate::response::Versioned;
use crate::update::Update;
use crate::{App, Route, reserved};

pub fn routes() -> Vec<Route> {
    let path = "/api/projects/{id+}";
    vec![
        Route::get(path, Scope::RegistryRead, get),
        Route::put(path, Scope::RegistryWrite, put),
        Route::delete(path, Scope::RegistryWrite, delete),
    ]
}

/// A project's settings and when events named it.
#[derive(Debug, Serialize)]
pub struct Project {
    id: ProjectId,
    name: Option<String>,
    /// Whether the project has settings.
    registered: bool,
    /// The day of its first usage.
    first_seen: Option<Day>,
    /// The day of its last usage.
    last_seen: Option<Day>,
}

struct ProjectBody(ProjectSettings);

async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ProjectId>,
) -> Result<Versioned<Project>> {
    let registry = &app.tables.registry;
    let key = keys::project(&caller.org, &id);
    let (stored, calendar) = try_join!(registry.stored(&key), registry.calendar(&caller.org))?;
    if stored.exists() { Ok(view(id, &stored, calendar.zone)) } else { Err(not_found().into()) }
}

async fn put(
    State(app): State<App>,
    Update { editor, path: id, body: ProjectBody(wanted) }: Update<ProjectId, ProjectBody>,
) -> Result<Versioned<Project>> {
    reserved::check_project(id.as_str())?;
    let entity = entity(keys::project(&editor.org, &id), &id);
    let decide = |stored: &Stored<_>| Ok(Next::to(wanted.clone(), stored));
    let stored = app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    let calendar = app.tables.registry.calendar(&editor.org).await?;
    Ok(view(id, &stored, calendar.zone))
}

async fn delete(State(app): State<App>, Edit(editor): Edit, Path(id): Path<ProjectId>) -> Result<StatusCode> {
    let entity = entity(keys::project(&editor.org, &id), &id);
    let decide = |stored: &Stored<ProjectSettings>| match &stored.settings {
        Some(_) => Ok(Next::Clear),
        None if stored.exists() => Ok(Next::Keep),
        None => Err(not_found()),
    };
    app.tables.registry.change(&app.tables.events, &editor, &entity, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(key: keys::Key, id: &ProjectId) -> Entity<'static> {
    Entity { key, what: format!("project {id}"), agent: None, always_there: false }
}

const fn not_found() -> store::Error {
    store::Error::NotFound("Project not found")
}

pub(crate) fn view(id: ProjectId, stored: &Stored<ProjectSettings>, zone: Tz) -> Versioned<Project> {
    let project = Project {
        id,
        name: stored.settings.as_ref().and_then(|settings| settings.name.clone()),
        registered: stored.settings.is_some(),
        first_seen: stored.seen.as_ref().map(|seen| seen.first_day(zone)),
        last_seen: stored.seen.as_ref().map(|seen| seen.last_day(zone)),
    };
    Versioned::new(project, stored)
}

impl FromBody for ProjectBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        Some(Self(settings(fields)))
    }
}

fn settings(fields: &mut FieldReader<'_>) -> ProjectSettings {
    ProjectSettings { name: fields.optional("name", text(NAME)) }
}
