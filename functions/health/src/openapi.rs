//! `GET /openapi.json`: the API described in OpenAPI 3.1.
//!
//! Each function describes its routes in the `openapi.yaml` of its crate; `openapi.yaml` in this folder has the
//! shared parts. The system tests compare every response with the document.

use std::collections::BTreeSet;
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
const ALWAYS: [(&str, &str); 4] = [
    ("429", "TooManyRequests"),
    ("431", "HeadersTooLarge"),
    ("500", "InternalError"),
    ("503", "Unavailable"),
];
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
        let sections =
            ["/paths", "/webhooks", "/components/parameters", "/components/responses", "/components/schemas"];
        for section in sections {
            let more = part.pointer_mut(section).map(Value::take).unwrap_or_default();
            let all = document.pointer_mut(section).and_then(Value::as_object_mut);
            add(all.ok_or_else(|| format!("the shared part has no {section}"))?, more)?;
        }
    }
    flatten(document["components"]["schemas"].as_object_mut().ok_or("there are no schemas")?)?;
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let is_secured = operation["security"].as_array().is_some_and(|needs| !needs.is_empty());
        for (status, name) in ALWAYS.iter().chain(SECURED.iter().filter(|_| is_secured)) {
            // OTLP prescribes its own bodies.
            if operation["responses"].get(status).is_none() {
                operation["responses"][status] = json!({ "$ref": format!("#/components/responses/{name}") });
            }
        }
    }
    Ok(document)
}

/// Replaces `allOf` with the properties of the schemas that it refers to. Client generators handle complete schemas
/// best, and fail on a property that is refined.
fn flatten(schemas: &mut Map<String, Value>) -> Result<(), String> {
    let parts = schemas.clone();
    let mut bases = BTreeSet::new();
    for (name, schema) in schemas.iter_mut() {
        let Some(Value::Array(all)) = schema.as_object_mut().and_then(|schema| schema.remove("allOf")) else {
            continue;
        };
        for reference in all {
            let base =
                reference["$ref"].as_str().and_then(|place| place.strip_prefix("#/components/schemas/"));
            let base = base.ok_or_else(|| format!("{name} has an allOf that is not a reference"))?;
            let part =
                parts.get(base).ok_or_else(|| format!("{name} refers to {base}, which does not exist"))?;
            inherit(schema, part);
            bases.insert(base.to_owned());
        }
    }
    schemas.retain(|name, _| !bases.contains(name));
    Ok(())
}

/// Adds the keywords of `base` that a schema does not have itself.
fn inherit(schema: &mut Value, base: &Value) {
    for (name, value) in base.as_object().into_iter().flatten() {
        match (&mut schema[name], value) {
            (Value::Object(own), Value::Object(more)) => {
                for (name, value) in more {
                    own.entry(name).or_insert_with(|| value.clone());
                }
            }
            (Value::Array(own), Value::Array(more)) => {
                let added: Vec<_> = more.iter().filter(|value| !own.contains(value)).cloned().collect();
                own.extend(added);
            }
            (own @ Value::Null, value) => *own = value.clone(),
            _ => {}
        }
    }
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
