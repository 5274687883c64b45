//! `GET /docs`: the OpenAPI document as a page for people. It uses no scripts and loads nothing from other sites.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use web::error::{Error, Result};

use crate::Route;
use crate::openapi::{CACHED_FOR, document};

pub fn route() -> Route {
    Route::public("/docs", handle)
}

async fn handle() -> Result<impl IntoResponse> {
    static PAGE: LazyLock<Result<String, String>> =
        LazyLock::new(|| document().map(|document| Page::new(&document).html().into_string()));
    let page = PAGE.as_deref().map_err(Error::internal)?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, CACHED_FOR),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ];
    Ok((headers, page))
}

const STYLE: &str = include_str!("docs.css");

/// The depth to which nested schemas are shown.
const DEPTH: usize = 5;

struct Page<'a> {
    document: &'a Value,
    /// The alternatives that were already shown for the current body: a list of events has the same ones as a single
    /// event.
    shown: RefCell<BTreeSet<String>>,
}

impl<'a> Page<'a> {
    const fn new(document: &'a Value) -> Self {
        Self { document, shown: RefCell::new(BTreeSet::new()) }
    }

    fn html(&self) -> Markup {
        let info = &self.document["info"];
        let title = text(&info["title"]);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " API" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    nav {
                        @for tag in list(&self.document["tags"]) {
                            h2 { (text(&tag["name"])) }
                            ul {
                                @for (path, method, operation) in self.operations(text(&tag["name"])) {
                                    li { a href={ "#" (text(&operation["operationId"])) } {
                                        span.method.(method) { (method) } " " (path)
                                    } }
                                }
                            }
                        }
                    }
                    main {
                        h1 { (title) " API " small { (text(&info["version"])) } }
                        p { (text(&info["description"])) }
                        p { "For programs: " a href="/openapi.json" { "/openapi.json" } }
                        section {
                            h2 id="authorization" { "authorization" }
                            p { (text(&self.document["components"]["securitySchemes"]["bearer"]["description"])) }
                            pre { "Authorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGciOi…" }
                            p { "In the examples below, " code { "$TOKEN" } " is such a token and " code { "$API_URL" }
                                " the address of the API." }
                        }
                        @for tag in list(&self.document["tags"]) {
                            section {
                                h2 { (text(&tag["name"])) }
                                p { (text(&tag["description"])) }
                                @for (path, method, operation) in self.operations(text(&tag["name"])) {
                                    (self.operation(path, method, operation))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn operations<'b>(&'b self, tag: &'b str) -> impl Iterator<Item = (&'b str, &'b str, &'b Value)> {
        let all = entries(&self.document["paths"]).chain(entries(&self.document["webhooks"]));
        let methods = all.flat_map(|(path, methods)| {
            entries(methods).map(move |(method, operation)| (path, method, operation))
        });
        methods.filter(move |(.., operation)| list(&operation["tags"]).any(|one| one == tag))
    }

    fn operation(&self, path: &str, method: &str, operation: &Value) -> Markup {
        let scopes = list(&operation["security"]).flat_map(|needs| list(&needs["bearer"])).map(text);
        let scopes: Vec<_> = scopes.collect();
        html! {
            article id=(text(&operation["operationId"])) {
                h3 { span.method.(method) { (method) } " " code { (path) } }
                p { strong { (text(&operation["summary"])) } }
                p { (text(&operation["description"])) }
                p.scope {
                    @if scopes.is_empty() { "No token needed." } @else { "Scope: " code { (scopes.join(" ")) } }
                }
                (self.parameters(operation))
                @if path.starts_with('/') { pre.curl { (self.curl(path, method, operation)) } }
                @for (kind, body) in entries(&operation["requestBody"]["content"]) {
                    h4 { "Body, " code { (kind) } }
                    (self.body(body))
                }
                @for (status, response) in entries(&operation["responses"]) {
                    @let response = self.resolved(response);
                    details open[status.starts_with('2')] {
                        summary { code { (status) } " " (text(&response["description"])) }
                        @for (kind, body) in entries(&response["content"]) {
                            @if kind == "application/json" { (self.body(body)) } @else { p { code { (kind) } } }
                        }
                    }
                }
            }
        }
    }

    fn parameters(&self, operation: &Value) -> Markup {
        html! {
            @if list(&operation["parameters"]).next().is_some() {
                h4 { "Parameters" }
                table {
                    @for parameter in list(&operation["parameters"]).map(|one| self.resolved(one)) {
                        tr {
                            td { code { (text(&parameter["name"])) } }
                            td { (text(&parameter["in"])) ", " (self.kind(&parameter["schema"])) }
                            td { (text(&parameter["description"])) }
                        }
                    }
                }
            }
        }
    }

    /// A command that calls the operation.
    fn curl(&self, path: &str, method: &str, operation: &Value) -> String {
        let method = if method == "get" { String::new() } else { format!(" -X {}", method.to_uppercase()) };
        let is_secured = list(&operation["security"]).next().is_some();
        let token = if is_secured { " -H \"Authorization: Bearer $TOKEN\"" } else { "" };
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let example = list(&self.resolved(schema)["examples"]).next();
        let body = example.map_or_else(String::new, |example| {
            let body = example.to_string().replace('\'', r"'\''");
            format!(" -H 'Content-Type: application/json' \\\n  -d '{body}'")
        });
        format!("curl{method}{token}{body} \\\n  \"$API_URL{}\"", path.replace(['{', '}'], ""))
    }

    /// The fields of a body, and an example if there is one.
    fn body(&self, body: &Value) -> Markup {
        self.shown.take();
        let schema = self.resolved(&body["schema"]);
        let example = list(&schema["examples"]).next();
        html! {
            (self.fields(&body["schema"], DEPTH))
            @if let Some(example) = example {
                pre { (serde_json::to_string_pretty(example).unwrap_or_default()) }
            }
        }
    }

    /// The properties of an object, the items of a list, or the fields of each alternative.
    fn fields(&self, schema: &Value, depth: usize) -> Markup {
        let schema = self.resolved(schema);
        let several = ["oneOf", "anyOf", "allOf"].into_iter().flat_map(|name| list(&schema[name]));
        let required: Vec<_> = list(&schema["required"]).map(text).collect();
        html! {
            @if depth > 0 {
                @if entries(&schema["properties"]).next().is_some() {
                    table {
                        @for (name, field) in entries(&schema["properties"]) {
                            tr {
                                td { code { (name) } @if required.contains(&name) { span.required title="always there" { "*" } } }
                                td { (self.kind(field)) }
                                td { (text(&self.described(field)["description"])) (self.fields(field, depth - 1)) }
                            }
                        }
                    }
                }
                @if schema["items"].is_object() { (self.fields(&schema["items"], depth - 1)) }
                @for one in several.filter(|one| one["type"] != "null") {
                    @if self.is_new(one) {
                        @if let Some(kind) = self.resolved(one)["properties"]["type"]["const"].as_str() {
                            h5 { code { (kind) } }
                        }
                        (self.fields(one, depth - 1))
                    }
                }
            }
        }
    }

    /// Whether an alternative was not yet shown for this body.
    fn is_new(&self, alternative: &Value) -> bool {
        let place = alternative["$ref"].as_str();
        place.is_none_or(|place| self.shown.borrow_mut().insert(place.to_owned()))
    }

    /// The type of a value and its limits.
    fn kind(&self, schema: &Value) -> String {
        let schema = self.resolved(schema);
        let mut kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
            Value::String(kind) if kind == "array" => format!("list of {}", self.kind(&schema["items"])),
            Value::String(kind) => kind.clone(),
            _ => {
                let several = ["oneOf", "anyOf"].into_iter().flat_map(|name| list(&schema[name]));
                several.map(|one| self.kind(one)).collect::<Vec<_>>().join(" or ")
            }
        };
        if let Some(constant) = schema.get("const") {
            kind = format!("{constant}");
        }
        let values: Vec<_> = list(&schema["enum"]).map(ToString::to_string).collect();
        if !values.is_empty() {
            kind = values.join(", ");
        }
        for (name, said) in
            [("minimum", "from "), ("maximum", "to "), ("maxItems", "at most "), ("default", "default ")]
        {
            if let Some(value) = schema.get(name).filter(|value| !value.is_null()) {
                kind = format!("{kind}, {said}{value}");
            }
        }
        kind
    }

    /// The schema with the description: this one, or the one that it refers to.
    fn described<'b>(&'b self, schema: &'b Value) -> &'b Value {
        if schema["description"].is_string() { schema } else { self.resolved(schema) }
    }

    fn resolved<'b>(&'b self, value: &'b Value) -> &'b Value {
        let Some(place) = value["$ref"].as_str() else { return value };
        place.strip_prefix('#').and_then(|place| self.document.pointer(place)).unwrap_or(&Value::Null)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
