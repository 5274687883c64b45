//! Every route, walked: who is turned away, and that the template deploys just these.

use std::collections::BTreeSet;

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local::template::Template;
use runtime::clock::Clock;
use serde_json::{Value, json};
use web::auth::Scope;
use web::route::Route;

use crate::support::{Answer, Caller, World};

/// The routes of every function that answers HTTP requests, by the name of its binary.
pub fn functions() -> Vec<(&'static str, Vec<Route>)> {
    vec![
        ("activity", activity::routes()),
        ("billing", billing::routes()),
        ("costs", costs::routes()),
        ("health", health::routes()),
        ("ingest", ingest::routes()),
        ("metrics", metrics::routes()),
        ("registry", registry::routes()),
        ("usage", usage::routes()),
        ("workforce", workforce::routes()),
    ]
}

/// A path with its parameters filled in.
fn example(path: &str) -> String {
    let fill = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

async fn ask(caller: &Caller<'_>, method: &Method, path: &str) -> Answer {
    caller.send(method.clone(), path, &[("content-type", "application/json")], Bytes::new()).await
}

#[test]
fn the_template_deploys_every_route_of_every_function_and_no_other() {
    let template = Template::built_in().unwrap();
    let deployed: BTreeSet<_> = template
        .functions
        .iter()
        .flat_map(|function| {
            function.routes.iter().map(|r| (function.binary.clone(), r.method.clone(), r.path.clone()))
        })
        .collect();
    let written: BTreeSet<_> = functions()
        .into_iter()
        .flat_map(|(binary, routes)| {
            routes.into_iter().map(move |r| (binary.to_owned(), r.method.to_string(), r.path.to_owned()))
        })
        .collect();
    assert_eq!(deployed, written);
}

#[tokio::test]
async fn every_route_turns_away_who_has_no_token_or_not_the_scope() {
    let world = World::new().await;
    for (_, routes) in functions() {
        for route in routes.into_iter().filter(|route| route.scope.is_some()) {
            let path = example(route.path);
            let answer = ask(&world.stranger(), &route.method, &path).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {path}", route.method);
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            let others: Vec<_> = Scope::ALL.into_iter().filter(|scope| Some(*scope) != route.scope).collect();
            let token = world.stack.token("acme", &others).unwrap();
            let answer = ask(&world.bearer(&token), &route.method, &path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path}", route.method);
            let token = world.stack.token("acme", &route.scope.into_iter().collect::<Vec<_>>()).unwrap();
            let answer = ask(&world.bearer(&token), &route.method, &path).await;
            assert!(
                ![401, 403, 405].contains(&answer.status.as_u16()),
                "{} {path}: {answer:?}",
                route.method
            );
        }
    }
}

#[tokio::test]
async fn what_is_public_is_these_routes_and_whoever_asks_gets_the_same_answer() {
    let world = World::new().await;
    let routes = functions().into_iter().flat_map(|(_, routes)| routes);
    let public: Vec<_> = routes.filter(|route| route.scope.is_none()).collect();
    let named: Vec<_> = public.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(named, ["GET /docs", "GET /v1/health", "GET /openapi.json"]);
    for Route { method, path, .. } in public {
        let anonymous = ask(&world.stranger(), &method, path).await;
        assert_eq!(anonymous.status, StatusCode::OK, "{path}");
        // A token is not even looked at.
        for token in [world.stack.token("acme", &Scope::ALL).unwrap(), "x".to_owned()] {
            let answer = ask(&world.bearer(&token), &method, path).await;
            assert_eq!((answer.status, &answer.body), (StatusCode::OK, &anonymous.body), "{path}");
        }
    }
}

/// A token as `change` leaves it, signed with the key that the stack verifies with unless `key` is another.
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
async fn a_token_that_does_not_hold_is_refused() {
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
        ("no organisation by that name", set("org", json!("a#b"))()),
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
        let answer = world.bearer(&token).try_get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
        assert_eq!(answer.body, json!({ "detail": "A valid bearer token is required." }), "{what}");
    }
    let basic =
        world.stranger().send(Method::GET, path, &[("authorization", "Basic eDp5")], Bytes::new()).await;
    assert_eq!(basic.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_not_there_is_answered_in_the_same_shape() {
    let world = World::new().await;
    for path in ["/", "/v1", "/v1/metrics", "/v1/metrics/summary/", "/v2/metrics/summary", "/v1/events/1"] {
        let answer = world.stranger().try_get(path).await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })),
            "{path}"
        );
    }
    let answer = ask(&world.stranger(), &Method::DELETE, "/v1/metrics/summary").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    let answer = ask(&world.stranger(), &Method::GET, "/v1/events").await;
    assert_eq!(
        (answer.status, answer.headers["allow"].to_str().unwrap()),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
}
