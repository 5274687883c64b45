//! `GET /openapi.json`: the API as OpenAPI 3.1 describes it.
//!
//! Each group describes itself in the `openapi.yaml` of its folder, beside the code; `openapi.yaml` in this one has what
//! all share. The tests hold every answer that any of them gets against it.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use web::error::{Error, Result};
use web::route::Route;

/// What all groups share.
const SHARED: &str = include_str!("openapi.yaml");

/// What each group adds.
const GROUPS: [&str; 9] = [
    include_str!("../../activity/openapi.yaml"),
    include_str!("../../billing/openapi.yaml"),
    include_str!("../../costs/openapi.yaml"),
    include_str!("../openapi.yaml"),
    include_str!("../../ingest/openapi.yaml"),
    include_str!("../../metrics/openapi.yaml"),
    include_str!("../../registry/openapi.yaml"),
    include_str!("../../usage/openapi.yaml"),
    include_str!("../../workforce/openapi.yaml"),
];

/// What every operation may answer, by status.
const ALWAYS: [(&str, &str); 3] =
    [("429", "TooManyRequests"), ("500", "InternalError"), ("503", "Unavailable")];
/// What one that asks for a token may answer beside.
const SECURED: [(&str, &str); 2] = [("401", "Unauthenticated"), ("403", "Forbidden")];

/// How long an answer may be kept: a new one comes with a new release only.
pub const KEPT: &str = "public, max-age=3600";

/// The route of this endpoint.
pub fn route() -> Route {
    Route::public("/openapi.json", handle)
}

async fn handle() -> Result<impl IntoResponse> {
    static TEXT: LazyLock<Result<String, String>> = LazyLock::new(|| document().map(|it| it.to_string()));
    let text = TEXT.as_deref().map_err(Error::internal)?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, KEPT)], text))
}

/// The whole document.
///
/// # Errors
///
/// A part that is no YAML, or that says again what another one has said.
pub fn document() -> Result<Value, String> {
    let parse = |text| serde_norway::from_str::<Value>(text).map_err(|fault| fault.to_string());
    let mut document = parse(SHARED)?;
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    for group in GROUPS {
        let mut group = parse(group)?;
        for (place, in_part) in [("paths", "/paths"), ("schemas", "/components/schemas")] {
            let more = group.pointer_mut(in_part).map(Value::take).unwrap_or_default();
            let all = document.pointer_mut(in_part).and_then(Value::as_object_mut);
            add(all.ok_or_else(|| format!("no {place}"))?, more)?;
        }
    }
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let is_secured = operation["security"].as_array().is_some_and(|needs| !needs.is_empty());
        for (status, name) in ALWAYS.iter().chain(SECURED.iter().filter(|_| is_secured)) {
            operation["responses"][status] = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    }
    Ok(document)
}

/// Adds what a group says to what is said already. Two groups may have methods of one path.
fn add(all: &mut Map<String, Value>, more: Value) -> Result<(), String> {
    let Value::Object(more) = more else { return Ok(()) };
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (None, value) => drop(all.insert(name, value)),
            (Some(Value::Object(methods)), Value::Object(other)) if name.starts_with('/') => {
                methods.extend(other);
            }
            _ => return Err(format!("{name} is there twice")),
        }
    }
    Ok(())
}
