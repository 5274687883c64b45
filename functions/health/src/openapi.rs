//! `GET /openapi.json`: the API described in OpenAPI 3.1.
//!
//! Each function describes its routes in the `openapi.yaml` of its crate; `openapi.yaml` in this folder has the
//! shared parts. The system tests compare every response with the document.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use web::error::{Error, Result};

use crate::Route;

/// The parts that all functions share.
const SHARED: &str = include_str!("openapi.yaml");

/// The part of each function, collected by `build.rs`.
const PARTS: &[&str] = include!(concat!(env!("OUT_DIR"), "/parts.rs"));

/// Responses that every operation may give, by status.
const ALWAYS: [(&str, &str); 3] =
    [("429", "TooManyRequests"), ("500", "InternalError"), ("503", "Unavailable")];
/// Further responses of operations that need a token.
const SECURED: [(&str, &str); 2] = [("401", "Unauthenticated"), ("403", "Forbidden")];

/// How long clients may cache a response: it changes only with a release.
pub const CACHED_FOR: &str = "public, max-age=3600";

pub fn route() -> Route {
    Route::public("/openapi.json", handle)
}

async fn handle() -> Result<impl IntoResponse> {
    static TEXT: LazyLock<Result<String, String>> = LazyLock::new(|| document().map(|it| it.to_string()));
    let text = TEXT.as_deref().map_err(Error::internal)?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHED_FOR)], text))
}

/// Builds the whole document.
///
/// # Errors
///
/// If a part is not valid YAML or repeats what another part defines.
pub fn document() -> Result<Value, String> {
    let parse = |text| serde_norway::from_str::<Value>(text).map_err(|fault| fault.to_string());
    let mut document = parse(SHARED)?;
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    for part in PARTS {
        let mut part = parse(part)?;
        for section in ["/paths", "/components/parameters", "/components/responses", "/components/schemas"] {
            let more = part.pointer_mut(section).map(Value::take).unwrap_or_default();
            let all = document.pointer_mut(section).and_then(Value::as_object_mut);
            add(all.ok_or_else(|| format!("the shared part has no {section}"))?, more)?;
        }
    }
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let is_secured = operation["security"].as_array().is_some_and(|needs| !needs.is_empty());
        for (status, name) in ALWAYS.iter().chain(SECURED.iter().filter(|_| is_secured)) {
            // OTLP prescribes bodies of its own.
            if operation["responses"].get(status).is_none() {
                operation["responses"][status] = json!({ "$ref": format!("#/components/responses/{name}") });
            }
        }
    }
    Ok(document)
}

/// Merges a part into the document. Two parts may define different methods of the same path.
fn add(all: &mut Map<String, Value>, more: Value) -> Result<(), String> {
    let Value::Object(more) = more else { return Ok(()) };
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (None, value) => drop(all.insert(name, value)),
            (Some(Value::Object(methods)), Value::Object(other)) if name.starts_with('/') => {
                methods.extend(other);
            }
            _ => return Err(format!("{name} is defined twice")),
        }
    }
    Ok(())
}
