//! `GET` and `POST /api/keys`, `DELETE /api/keys/{id}`: keys for exporters that can only send static headers. A key is
//! shown once, in the response that creates it. It is accepted within 30 seconds, and rejected within 30 seconds after
//! DELETE.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode};
use ledger::ids::{Name, OrgId};
use ledger::period;
use ledger::settings::{KeySettings, MAX_KEYS};
use runtime::config::Config;
use serde::Serialize;
use serde_json::value::RawValue;
use store::keys;
use store::registry::{Entity, Next, Stored, StoredKey};
use web::auth::{NewKey, Scope};
use web::body::{Body, FromBody};
use web::caller::Caller;
use web::error::{Error, Result};
use web::fields::{self, FieldReader, Invalid, instant, text};
use web::path::Path;

use crate::edit::Edit;
use crate::limits::NAME;
use crate::{App, Route};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/keys", Scope::RegistryRead, list),
        Route::post("/api/keys", Scope::RegistryWrite, create),
        Route::delete("/api/keys/{id+}", Scope::RegistryWrite, delete),
    ]
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiKey {
    id: String,
    /// Only in the response to the request that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    name: String,
    scopes: BTreeSet<String>,
    tags: BTreeMap<String, String>,
    created_at: String,
    expires_at: Option<String>,
    /// The last day (UTC) on which it was used.
    last_used: Option<NaiveDate>,
}

#[derive(Debug, Serialize)]
struct Keys {
    items: Vec<ApiKey>,
}

struct KeyBody {
    name: String,
    scopes: BTreeSet<String>,
    expires: Option<DateTime<Utc>>,
    tags: BTreeMap<String, String>,
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Keys>> {
    let all = app.tables.registry.api_keys(&caller.org).await?;
    Ok(Json(Keys { items: all.into_iter().map(|(id, stored)| view(id, stored, None)).collect() }))
}

async fn create(State(app): State<App>, Edit(editor): Edit, Body(wanted): Body<KeyBody>) -> Result<Response> {
    if app.tables.registry.api_keys(&editor.org).await?.len() >= MAX_KEYS {
        return Err(Error::Conflict(format!("There are {MAX_KEYS} keys already, which is the maximum.")));
    }
    let new = NewKey::random(&editor.org)?;
    let KeyBody { name, scopes, expires, tags } = wanted;
    let hash = KeySettings::hash_of(&new.secret);
    let settings = KeySettings { name, scopes, created: editor.now, expires, tags, hash };
    let decide = |_: &Stored<KeySettings>| Ok(Next::Set(settings.clone()));
    app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org, &new.id), decide).await?;
    let location = HeaderValue::from_str(&format!("/api/keys/{}", new.id)).map_err(Error::internal)?;
    let key = view(new.id.to_string(), StoredKey { settings, used: None }, Some(new.key));
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (LOCATION, location)];
    Ok((StatusCode::CREATED, headers, Json(key)).into_response())
}

async fn delete(State(app): State<App>, Edit(editor): Edit, Path(id): Path<Name>) -> Result<StatusCode> {
    let decide = |stored: &Stored<KeySettings>| Next::clear(stored, "Key not found");
    app.tables.registry.change(&app.tables.events, &editor, &entity(&editor.org, &id), decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entity(org: &OrgId, id: &Name) -> Entity<'static> {
    Entity { key: keys::api_key(org, id), what: format!("key {id}"), agent: None, always_there: false }
}

fn view(id: String, StoredKey { settings, used }: StoredKey, key: Option<String>) -> ApiKey {
    let KeySettings { name, scopes, created, expires, tags, hash: _ } = settings;
    let (created_at, expires_at) = (period::rfc3339(created), expires.map(period::rfc3339));
    ApiKey { id, key, name, scopes, tags, created_at, expires_at, last_used: used }
}

impl FromBody for KeyBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        let name = fields.required("name", text(NAME));
        let scopes = fields.required("scopes", scopes);
        let expires = fields.optional("expiresAt", instant);
        let tags = fields.optional("tags", fields::tags).unwrap_or_default();
        Some(Self { name: name?, scopes: scopes?, expires, tags })
    }
}

/// Reads the scopes of a key, which may send events and read figures. No key can read or change settings: a header that
/// never changes is not safe enough for that.
fn scopes(raw: &RawValue) -> Result<BTreeSet<String>, Invalid> {
    let granted = Scope::ALL.into_iter().filter(|scope| scope.is_for_keys());
    let known: Vec<_> = granted.map(Scope::as_str).collect();
    let wanted: BTreeSet<String> = serde_json::from_str(raw.get()).unwrap_or_default();
    if !wanted.is_empty() && wanted.iter().all(|scope| known.contains(&scope.as_str())) {
        return Ok(wanted);
    }
    Err(Invalid::new("scopes", format!("Input should be a list of one or more of {}", known.join(", "))))
}
