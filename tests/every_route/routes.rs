//! Every route: authentication and scopes, and the routes in the template.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local::template::Template;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::Connection;
use web::auth::Scope;
use web::route::{Endpoint, Route};

use crate::support::{Caller, Response, World};

/// The routes of every function behind the API, by binary.
pub fn functions() -> Vec<(&'static str, Vec<Endpoint>)> {
    fn of<T>(routes: Vec<Route<T>>) -> Vec<Endpoint> {
        routes.into_iter().map(Endpoint::from).collect()
    }
    vec![
        ("activity", of(activity::routes())),
        ("billing", of(billing::routes())),
        ("console", of(console::routes())),
        ("costs", of(costs::routes())),
        ("exports", of(exports::routes())),
        ("health", of(health::routes())),
        ("ingest", of(ingest::routes())),
        ("intake", of(intake::routes())),
        ("metrics", of(metrics::routes())),
        ("registry", of(registry::routes())),
        ("usage", of(usage::routes())),
        ("workforce", of(workforce::routes())),
    ]
}

/// The router of a function behind the API.
pub fn router(world: &World, binary: &str, connection: &Connection) -> Router {
    match binary {
        "activity" => world.app_through(connection).router(activity::routes()),
        "billing" => world.app_through(connection).router(billing::routes()),
        "console" => world.app_through(connection).router(console::routes()),
        "costs" => world.app_through(connection).router(costs::routes()),
        "exports" => world.app_through(connection).router(exports::routes()),
        "health" => world.app_through(connection).router(health::routes()),
        "ingest" => world.app_through(connection).router(ingest::routes()),
        "intake" => world.app_through(connection).router(intake::routes()),
        "metrics" => world.app_through(connection).router(metrics::routes()),
        "registry" => world.app_through(connection).router(registry::routes()),
        "usage" => world.app_through(connection).router(usage::routes()),
        "workforce" => world.app_through(connection).router(workforce::routes()),
        _ => panic!("{binary} is not behind the API"),
    }
}

/// A path with its parameters filled in.
fn example(path: &str) -> String {
    let fill = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

async fn ask(caller: &Caller<'_>, method: &Method, path: &str) -> Response {
    caller.send(method.clone(), path, &[("content-type", "application/json")], Bytes::new()).await
}

#[test]
fn the_template_deploys_exactly_the_paths_of_the_functions() {
    let template = Template::built_in().unwrap();
    let routes =
        || template.functions.iter().flat_map(|f| f.routes.iter().map(move |r| (f.binary.as_str(), r)));
    // For every method, so that a function answers 405 and HEAD itself.
    assert!(routes().all(|(_, route)| route.method == "ANY"));
    let defaults: Vec<_> = routes().filter(|(_, r)| r.is_default()).map(|(binary, _)| binary).collect();
    assert_eq!(defaults, ["health"]);
    let deployed: BTreeSet<_> =
        routes().filter(|(_, r)| !r.is_default()).map(|(binary, r)| (binary, r.path.clone())).collect();
    let written: BTreeSet<_> = functions()
        .into_iter()
        .flat_map(|(binary, routes)| {
            let paths = routes.into_iter().flat_map(|route| route.gateway_paths());
            paths.map(move |path| (binary, path)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(deployed, written);
}

#[tokio::test]
async fn every_route_requires_a_token_with_its_scope() {
    let world = World::new().await;
    for (_, routes) in functions() {
        for route in routes.into_iter().filter(|route| route.scope.is_some()) {
            let path = example(route.path);
            let response = ask(&world.anonymous(), &route.method, &path).await;
            assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{} {path}", route.method);
            assert_eq!(response.headers["www-authenticate"], "Bearer");
            let others: Vec<_> = Scope::ALL.into_iter().filter(|scope| Some(*scope) != route.scope).collect();
            let token = world.stack.token("acme", &others).unwrap();
            let response = ask(&world.bearer(&token), &route.method, &path).await;
            assert_eq!(response.status, StatusCode::FORBIDDEN, "{} {path}", route.method);
            let token = world.stack.token("acme", &route.scope.into_iter().collect::<Vec<_>>()).unwrap();
            let response = ask(&world.bearer(&token), &route.method, &path).await;
            assert!(
                ![401, 403, 405].contains(&response.status.as_u16()),
                "{} {path}: {response:?}",
                route.method
            );
        }
    }
}

#[tokio::test]
async fn public_routes_ignore_tokens() {
    let world = World::new().await;
    let routes = functions().into_iter().flat_map(|(_, routes)| routes);
    let public: Vec<_> = routes.filter(|route| route.scope.is_none()).collect();
    let named: Vec<_> = public.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(
        named,
        ["GET /", "GET /console", "GET /console/{path+}", "GET /docs", "GET /v1/health", "GET /openapi.json"]
    );
    for Endpoint { method, path, .. } in public {
        let path = &example(path);
        let anonymous = ask(&world.anonymous(), &method, path).await;
        assert_eq!(anonymous.status, StatusCode::OK, "{path}");
        // Tokens are not even verified.
        for token in [world.stack.token("acme", &Scope::ALL).unwrap(), "x".to_owned()] {
            let response = ask(&world.bearer(&token), &method, path).await;
            assert_eq!((response.status, &response.body), (StatusCode::OK, &anonymous.body), "{path}");
        }
    }
}

/// A token with changed claims, signed with `key`, or with the key of the stack.
fn token(world: &World, change: impl FnOnce(&mut Value), header: Header, key: Option<&[u8]>) -> String {
    let now = Clock::system().now().timestamp();
    let mut claims = json!({
        "iss": "fleetledger-local", "aud": "fleetledger", "sub": "test", "org": "acme",
        "scope": "metrics:read", "iat": now, "exp": now + 60,
    });
    change(&mut claims);
    encode(&header, &claims, &EncodingKey::from_secret(key.unwrap_or(world.secret()))).unwrap()
}

#[tokio::test]
async fn an_invalid_token_is_rejected() {
    let world = World::new().await;
    let now = Clock::system().now().timestamp();
    let set = |name: &'static str, value: Value| {
        let world = &world;
        move || token(world, |claims| claims[name] = value, Header::default(), None)
    };
    let without = |name: &'static str| {
        let take = move |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
        token(&world, take, Header::default(), None)
    };
    let good = token(&world, |_| {}, Header::default(), None);
    let none = format!("{}.{}.", BASE64.encode(r#"{"alg":"none"}"#), good.split('.').nth(1).unwrap());
    let bad = [
        ("expired", set("exp", json!(now - 60))()),
        ("not yet valid", set("nbf", json!(now + 60))()),
        ("another audience", set("aud", json!("others"))()),
        ("another issuer", set("iss", json!("others"))()),
        ("an invalid organization", set("org", json!("a#b"))()),
        ("without exp", without("exp")),
        ("without iss", without("iss")),
        ("without aud", without("aud")),
        ("without sub", without("sub")),
        ("without org", without("org")),
        ("another key", token(&world, |_| {}, Header::default(), Some(&[7; 32]))),
        ("another algorithm", token(&world, |_| {}, Header::new(Algorithm::HS512), None)),
        ("alg none", none),
        ("no signature", good.rsplit_once('.').unwrap().0.to_owned()),
        ("no token", "x".to_owned()),
    ];
    let path = "/v1/metrics/summary";
    world.bearer(&good).get(path).await;
    for (what, token) in bad {
        let response = world.bearer(&token).try_get(path).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{what}");
        let challenge = response.headers["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.starts_with(r#"Bearer error="invalid_token", error_description=""#),
            "{what}: {challenge}"
        );
        assert_eq!(response.body, json!({ "detail": "A valid bearer token is required." }), "{what}");
    }
    let basic =
        world.anonymous().send(Method::GET, path, &[("authorization", "Basic eDp5")], Bytes::new()).await;
    assert_eq!(basic.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let world = World::new().await;
    for path in [
        "/v1",
        "/v1/metrics",
        "/v1/metrics/summary/",
        "/v2/metrics/summary",
        "/v1/events/1",
        "/x",
        "/docs/%2e",
    ] {
        let response = world.anonymous().try_get(path).await;
        assert_eq!(
            (response.status, response.body),
            (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })),
            "{path}"
        );
    }
}

/// The methods that each path has, by path.
fn methods() -> BTreeMap<&'static str, BTreeSet<Method>> {
    let mut methods: BTreeMap<_, BTreeSet<Method>> = BTreeMap::new();
    for route in functions().into_iter().flat_map(|(_, routes)| routes) {
        let of_path = methods.entry(route.path).or_default();
        if route.method == Method::GET {
            of_path.insert(Method::HEAD);
        }
        of_path.insert(route.method);
    }
    methods
}

#[tokio::test]
async fn every_other_method_of_a_path_is_answered_with_the_methods_that_it_has() {
    let world = World::new().await;
    for (path, methods) in methods() {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"] {
            let method: Method = method.parse().unwrap();
            if methods.contains(&method) {
                continue;
            }
            // A path that another operation's parameter matches has no 405 in the document.
            let response = world.anonymous().send_raw(method.clone(), &example(path)).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
            let said = json!("This path does not support that method.");
            assert!(method == Method::HEAD || body["detail"] == said, "{method} {path}: {body}");
            let allowed: BTreeSet<Method> = response.headers()["allow"]
                .to_str()
                .unwrap()
                .split(',')
                .map(|m| m.parse().unwrap())
                .collect();
            assert_eq!(allowed, methods, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (path, methods) in methods() {
        if !methods.contains(&Method::GET) {
            continue;
        }
        for query in ["", "?format=csv"] {
            let path = example(path) + query;
            let get = caller.send_raw(Method::GET, &path).await;
            let head = caller.send_raw(Method::HEAD, &path).await;
            assert_eq!((head.status(), head.body().len()), (get.status(), 0), "{path}");
            let length = get.body().len().to_string();
            assert_eq!(head.headers()["content-length"], *length, "{path}");
            for name in ["content-type", "etag", "allow", "location", "vary"] {
                assert_eq!(head.headers().get(name), get.headers().get(name), "{path} {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_preflight_is_answered_on_every_path() {
    let world = World::new().await;
    let asks = [("origin", "https://app.example.com"), ("access-control-request-method", "PUT")];
    for path in methods().into_keys().map(example).chain(["/nowhere".to_owned()]) {
        let response = world.anonymous().send(Method::OPTIONS, &path, &asks, Bytes::new()).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT, "{path}");
        // API Gateway adds these where it is configured to.
        assert!(!response.headers.contains_key("access-control-allow-origin"));
    }
}
