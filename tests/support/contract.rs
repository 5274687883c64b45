//! Compares every request and response of every test with the OpenAPI document.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The OpenAPI document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| health::openapi::document().unwrap());

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::default);

#[derive(Default)]
struct Contract {
    /// By schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A part of the document, or the part that it refers to.
pub fn resolved(value: &'static Value) -> &'static Value {
    let Some(place) = value["$ref"].as_str() else { return value };
    DOCUMENT.pointer(place.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("there is no {place}"))
}

/// The operation of a request, and its documented path. Of several matching paths, the one with the most fixed segments
/// wins, as with API Gateway.
pub fn operation(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let asked: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let method = method.as_str().to_ascii_lowercase();
    let fits = |documented: &str| {
        let parts: Vec<_> = documented.trim_start_matches('/').split('/').collect();
        let is_open = parts.last().is_some_and(|last| last.starts_with('{'));
        let enough = if is_open { asked.len() >= parts.len() } else { asked.len() == parts.len() };
        let alike = |(part, asked): (&&str, &&str)| part.starts_with('{') || part == asked;
        (enough && parts.iter().zip(&asked).all(alike))
            .then(|| parts.iter().filter(|part| !part.starts_with('{')).count())
    };
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let found = paths.filter_map(|(path, methods)| Some((fits(path)?, path, methods.get(&method)?)));
    found.max_by_key(|(fixed, ..)| *fixed).map(|(_, path, operation)| (path.as_str(), operation))
}

/// Expects a documented status and a body that matches its schema.
pub fn check_response(method: &Method, path: &str, status: StatusCode, body: &Value) {
    let Some((documented, operation)) = operation(method, path) else { return };
    let responses = operation["responses"].as_object().unwrap();
    let response = responses.get(status.as_str());
    let response =
        response.unwrap_or_else(|| panic!("{method} {documented} does not document {status}: {body}"));
    let schema = &resolved(response)["content"]["application/json"]["schema"];
    if schema.is_null() {
        return;
    }
    if let Some(faults) = faults(schema, body) {
        panic!("{method} {path} {status} does not match its schema: {faults}\n{body}");
    }
}

/// Expects that an accepted body matches its schema.
pub fn check_request(method: &Method, path: &str, body: &[u8]) {
    let Some((_, operation)) = operation(method, path) else { return };
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let Ok(body) = serde_json::from_slice(body) else { return };
    if schema.is_null() {
        return;
    }
    if let Some(faults) = faults(schema, &body) {
        panic!("{method} {path} was accepted, but does not match its schema: {faults}\n{body}");
    }
}

/// Expects that a webhook's message matches the document, and that the document has every field of it. Messages to
/// Slack and Teams are not in the document and are ignored.
pub fn check_message(body: &Value) {
    let webhook = match body["type"].as_str() {
        Some("alert.test") => "alertTest",
        Some(kind) if kind.starts_with("budget.") => "budgetAlert",
        _ => return,
    };
    let schema =
        DOCUMENT.pointer(&format!("/webhooks/{webhook}/post/requestBody/content/application~1json/schema"));
    if let Some(faults) = faults(&closed(resolved(schema.unwrap())), body) {
        panic!("a message of {webhook} does not match its schema: {faults}\n{body}");
    }
}

/// A schema without references that allows only the fields that it names. The document allows others, because receivers
/// should ignore them.
fn closed(schema: &'static Value) -> Value {
    match resolved(schema) {
        Value::Object(fields) => {
            let mut closed: serde_json::Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), closed_part(name, value))).collect();
            if closed.contains_key("properties") {
                closed.insert("additionalProperties".to_owned(), json!(false));
            }
            Value::Object(closed)
        }
        other => other.clone(),
    }
}

fn closed_part(keyword: &str, value: &'static Value) -> Value {
    match (keyword, value) {
        ("properties", Value::Object(fields)) => {
            fields.iter().map(|(name, schema)| (name.clone(), closed(schema))).collect()
        }
        ("items", schema) => closed(schema),
        ("anyOf" | "oneOf", Value::Array(schemas)) => schemas.iter().map(closed).collect(),
        _ => value.clone(),
    }
}

/// The violations of a schema by a value.
pub fn faults(schema: &Value, value: &Value) -> Option<String> {
    let validator = CONTRACT.validator(schema);
    let faults: Vec<_> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

impl Contract {
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let make = || {
            let mut whole = schema.clone();
            whole["components"] = DOCUMENT["components"].clone();
            let made = jsonschema::draft202012::options().should_validate_formats(true).build(&whole);
            Arc::new(made.unwrap_or_else(|fault| panic!("{schema}: {fault}")))
        };
        validators.entry(schema.to_string()).or_insert_with(make).clone()
    }
}

/// Whether a request was accepted in full.
pub fn is_whole(body: &Value) -> bool {
    body.get("rejected").is_none_or(|rejected| *rejected == json!([]))
}
