//! The API's document, held against what is really asked and answered: by every test, with every request.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| health::openapi::document().unwrap());

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::default);

#[derive(Default)]
struct Contract {
    /// By the place of the schema in the document.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A part of the document, or what it refers to.
pub fn resolved(value: &'static Value) -> &'static Value {
    let Some(place) = value["$ref"].as_str() else { return value };
    DOCUMENT.pointer(place.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("there is no {place}"))
}

/// The operation that a request is, and the path that it is documented under. Of several that fit it is the one
/// with the most fixed parts, as with API Gateway.
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

/// Expects that an answer is one that the document tells of.
pub fn check_answer(method: &Method, path: &str, status: StatusCode, body: &Value) {
    let Some((documented, operation)) = operation(method, path) else { return };
    let responses = operation["responses"].as_object().unwrap();
    let response = responses.get(status.as_str());
    let response = response.unwrap_or_else(|| panic!("{method} {documented} tells of no {status}: {body}"));
    let schema = &resolved(response)["content"]["application/json"]["schema"];
    if schema.is_null() {
        return;
    }
    if let Some(faults) = faults(schema, body) {
        panic!("{method} {path} {status} is not as documented: {faults}\n{body}");
    }
}

/// Expects that a body that was taken is one that the document allows.
pub fn check_request(method: &Method, path: &str, body: &[u8]) {
    let Some((_, operation)) = operation(method, path) else { return };
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let Ok(body) = serde_json::from_slice(body) else { return };
    if schema.is_null() {
        return;
    }
    if let Some(faults) = faults(schema, &body) {
        panic!("{method} {path} was taken, but by the document it is wrong: {faults}\n{body}");
    }
}

/// What is wrong with a value.
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

/// A request that was taken as it is, rather than in part.
pub fn is_whole(body: &Value) -> bool {
    body.get("rejected").is_none_or(|rejected| *rejected == json!([]))
}
