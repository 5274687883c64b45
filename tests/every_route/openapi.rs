//! The OpenAPI document has every route with its scope, is consistent in itself, and states the actual limits.
//! `support::contract` compares the responses of every test with it.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::Value;

use super::routes::functions;
use crate::support::World;
use crate::support::contract::{DOCUMENT, faults, resolved};

/// Every operation: path, method, and description.
fn operations() -> Vec<(&'static str, Method, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let method = |name: &str| name.to_ascii_uppercase().parse().unwrap();
    let of = |(path, methods): (&'static String, &'static Value)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(name, operation)| (path.as_str(), method(name), operation))
    };
    paths.flat_map(of).collect()
}

fn list(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().into_iter().flatten()
}

#[test]
fn it_has_exactly_the_routes_of_the_functions_with_their_scopes() {
    let routes = functions().into_iter().flat_map(|(_, routes)| routes).map(|route| {
        let path = route.path.replace("+}", "}");
        format!("{} {path} {}", route.method, route.scope.map_or("-", web::auth::Scope::as_str))
    });
    let documented = operations().into_iter().map(|(path, method, operation)| {
        let scopes: Vec<_> = list(&operation["security"]).flat_map(|needs| list(&needs["bearer"])).collect();
        let scope = scopes.first().map_or("-", |scope| scope.as_str().unwrap());
        assert!(scopes.len() <= 1, "{path}");
        format!("{method} {path} {scope}")
    });
    assert_eq!(documented.collect::<BTreeSet<_>>(), routes.collect());
}

#[test]
fn every_reference_resolves_and_every_component_is_used() {
    fn visit(value: &'static Value, found: &mut BTreeSet<&'static str>) {
        match value {
            Value::Object(fields) => {
                if let Some(place) = value["$ref"].as_str() {
                    resolved(value);
                    found.insert(place);
                }
                fields.values().for_each(|value| visit(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| visit(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    visit(&DOCUMENT, &mut found);
    for kind in ["schemas", "responses"] {
        for name in DOCUMENT["components"][kind].as_object().unwrap().keys() {
            assert!(
                found.contains(&*format!("#/components/{kind}/{name}")),
                "nobody refers to {kind} {name}"
            );
        }
    }
    let ids: Vec<_> =
        operations().into_iter().map(|(.., operation)| operation["operationId"].as_str()).collect();
    assert_eq!(ids.iter().flatten().collect::<BTreeSet<_>>().len(), ids.len());
    let tags: BTreeSet<_> =
        list(&DOCUMENT["tags"]).map(|tag| &tag["name"]).map(ToString::to_string).collect();
    for (path, _, operation) in operations() {
        assert!(list(&operation["tags"]).all(|tag| tags.contains(&tag.to_string())), "{path}");
    }
}

/// Defaults make fields required in the types that generators derive, so requests state them in words.
#[test]
fn the_schemas_of_requests_have_no_defaults_and_no_compositions_that_generators_drop() {
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        let text = schema.to_string();
        assert!(!text.contains("\"default\":"), "{name}");
        assert!(schema.get("allOf").is_none() && !text.contains("\"const\":\"\""), "{name}");
    }
    for event in ["EventLlmCall", "EventHostReport"] {
        let schema = &DOCUMENT["components"]["schemas"][event];
        let required: BTreeSet<_> = list(&schema["required"]).map(|name| name.as_str().unwrap()).collect();
        assert_eq!(
            required,
            BTreeSet::from(["specversion", "id", "source", "type", "time", "data"]),
            "{event}"
        );
        assert!(schema["properties"]["data"]["$ref"].is_string(), "{event}");
    }
}

#[test]
fn its_examples_match_their_schemas() {
    let mut examples = 0;
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        for example in list(&schema["examples"]) {
            assert_eq!(faults(schema, example), None, "{name}: {example}");
            examples += 1;
        }
    }
    assert!(examples > 30, "{examples}");
}

/// The status of a GET with one parameter.
async fn status(world: &World, path: &str, name: &str, value: &str) -> StatusCode {
    world.caller("acme").try_get(&format!("{}?{name}={value}", path.replace("{id}", "x"))).await.status
}

#[tokio::test]
async fn parameter_limits_are_the_documented_ones() {
    let world = World::new().await;
    let mut tried = 0;
    for (path, _, operation) in operations().into_iter().filter(|(_, method, _)| *method == Method::GET) {
        let parameters = list(&operation["parameters"]).map(resolved).filter(|one| one["in"] == "query");
        for parameter in parameters {
            let (name, schema) = (parameter["name"].as_str().unwrap(), resolved(&parameter["schema"]));
            let fits = async |value: &str| {
                status(&world, path, name, value).await != StatusCode::UNPROCESSABLE_ENTITY
            };
            let place = format!("{path} {name}");
            if let Some(least) = schema["minimum"].as_i64() {
                assert!(fits(&least.to_string()).await, "{place}");
                assert!(!fits(&(least - 1).to_string()).await, "{place}");
                tried += 1;
            }
            if let Some(most) = schema["maximum"].as_i64() {
                assert!(fits(&most.to_string()).await, "{place}");
                assert!(!fits(&(most + 1).to_string()).await, "{place}");
                tried += 1;
            }
            for value in list(&schema["enum"]) {
                assert!(fits(value.as_str().unwrap()).await, "{place}");
                assert!(!fits("nonsense").await, "{place}");
                tried += 1;
            }
            if let Some(default) = schema.get("default") {
                assert!(fits(default.to_string().trim_matches('"')).await, "{place}");
                assert_eq!(faults(schema, default), None, "{place}");
            }
        }
    }
    assert!(tried > 15, "{tried}");
}

#[tokio::test]
async fn it_is_served_as_json_and_as_a_page_with_every_operation() {
    let world = World::new().await;
    assert_eq!(world.anonymous().get("/openapi.json").await, *DOCUMENT);
    let response = world.anonymous().try_get("/docs").await;
    assert_eq!(response.headers["content-type"], "text/html; charset=utf-8");
    assert!(response.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let page = response.body.as_str().unwrap();
    for (path, _, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")) && page.contains(path), "{path}");
    }
    let webhooks = DOCUMENT["webhooks"].as_object().unwrap();
    for operation in webhooks.values().map(|methods| &methods["post"]) {
        assert!(page.contains(&format!("id=\"{}\"", operation["operationId"].as_str().unwrap())));
    }
    // Each type of event has a heading, once.
    let sending =
        page.split("<article id=\"sendEvents\"").nth(1).unwrap().split("</article>").next().unwrap();
    for kind in ["llm.call", "task.completed", "agent.activity", "compute.usage", "host.report"] {
        assert_eq!(sending.matches(&format!("<h5><code>{kind}</code></h5>")).count(), 1, "{kind}");
    }
    assert!(sending.contains("curl -X POST -H &quot;Authorization: Bearer $TOKEN&quot;"), "{sending}");
    assert!(page.contains("Authorization: Bearer"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("src="));
}
