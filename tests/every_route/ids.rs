//! Ids of any text in every path that has a parameter: what is written is what was meant, and nothing else changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use http::{Method, StatusCode};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use ledger::ids::Name;
use local::template::Template;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use store::Connection;
use tower::Service;
use web::auth::Scope;

use super::routes::{functions, router};
use super::walk::settings;
use crate::support::events::event;
use crate::support::{Caller, World, encoded, noon};

/// Ids that an unescaped delimiter would turn into `victim`, or into another resource.
const DELIMITED: [&str; 16] = [
    "victim#x",
    "victim?x",
    "victim%23x",
    "victim\\x",
    "x/../victim",
    "./victim",
    "victim/.",
    "../budget",
    "x/../../budget",
    "../../v1/billing/subscription",
    "%2e%2e",
    "victim%00",
    "victim;x",
    "victim ",
    " victim",
    "//victim",
];

/// Random ids, in normal form.
fn id() -> impl Strategy<Value = String> {
    let part = prop::sample::select(
        [
            "/", "%", "?", "#", "\\", ".", "..", "%2F", "%25", "&", "=", "+", ";", " ", "~", "é", "🐄", "a",
            "usage",
        ]
        .to_vec(),
    );
    let text = prop_oneof![
        2 => prop::sample::select(DELIMITED.to_vec()).prop_map(str::to_owned),
        3 => prop::collection::vec(part, 1..7).prop_map(|parts| parts.concat()),
        2 => "\\PC{1,24}",
    ];
    text.prop_filter_map("not an id, or reserved", |text| {
        let id = Name::new(text).ok().map(String::from)?;
        (![".", ".."].contains(&&*id) && !id.ends_with("/usage")).then_some(id)
    })
}

/// Every method and path with a parameter that is an id. A public route has none: nothing there belongs to anybody. A
/// dimension is none either.
fn routes() -> Vec<(Method, &'static str)> {
    let all = functions().into_iter().flat_map(|(_, routes)| routes);
    let all = all.filter(|route| route.path.contains('{') && !route.path.contains("{dimension}"));
    let all = all.filter(|route| route.scope.is_some());
    all.map(|route| (route.method, route.path)).collect()
}

/// A path with `ids` for its parameters.
fn path(route: &str, ids: &[String; 2], encode: impl Fn(&str) -> String) -> String {
    let mut ids = ids.iter();
    let segment = |segment: &str| {
        if segment.starts_with('{') { encode(ids.next().unwrap()) } else { segment.to_owned() }
    };
    route.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Everything that the registry holds, by the path that it was listed under and its id.
async fn dump(caller: &Caller<'_>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for path in ["/api/agents", "/api/projects", "/api/alerts/destinations", "/api/alerts/rules"] {
        for item in caller.get(path).await["items"].as_array().unwrap() {
            all.insert(format!("{path} {}", item["id"].as_str().unwrap()), item.clone());
        }
    }
    for path in ["/api/organization", "/api/budget", "/v1/billing/subscription"] {
        all.insert(path.to_owned(), caller.get(path).await);
    }
    all
}

/// The entries that differ.
fn changed(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let keys = before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key));
    let mut changed: Vec<_> = keys.cloned().collect();
    changed.sort();
    changed.dedup();
    changed
}

/// Where `dump` lists what a route is about; none if it does not.
fn listed(route: &str, ids: &[String; 2]) -> Option<String> {
    let list = ["/api/agents", "/api/projects", "/api/alerts/destinations", "/api/alerts/rules"];
    let list = list.into_iter().find(|list| route.starts_with(&format!("{list}/")))?;
    Some(format!("{list} {}", ids[0]))
}

fn body(route: &str) -> Value {
    match settings(route) {
        // A port that nobody listens on.
        body if route.starts_with("/api/alerts/destinations/") => {
            json!({ "url": "http://127.0.0.1:1026/", "secret": body["secret"] })
        }
        body => body,
    }
}

/// Sets what the ids must not reach.
async fn set_victims(caller: &Caller<'_>) {
    for route in [
        "/api/agents/victim",
        "/api/projects/victim",
        "/api/alerts/destinations/victim",
        "/api/alerts/rules/victim",
        "/api/budget",
    ] {
        caller.put(route, &body(route)).await;
    }
    caller.put("/v1/billing/subscription", &json!({ "plan_name": "victim" })).await;
}

/// Sends a request and parses the response.
trait Send {
    async fn send(
        &self,
        method: &Method,
        route: &'static str,
        ids: &[String; 2],
        body: &Value,
    ) -> Option<(StatusCode, Value)>;
}

/// Uses every route with `ids`. `send` gives no response where the gateway itself refuses the request.
async fn use_routes(caller: &Caller<'_>, sender: &impl Send, ids: &[String; 2]) {
    let mut all = routes();
    let order = [Method::PUT, Method::GET, Method::POST, Method::DELETE];
    all.sort_by_key(|(method, _)| order.iter().position(|one| one == method));
    let mut before = dump(caller).await;
    for (method, route) in all {
        let sent = if method == Method::PUT { body(route) } else { Value::Null };
        let Some((status, response)) = sender.send(&method, route, ids, &sent).await else { continue };
        let place = format!("{method} {route} {ids:?}: {status} {response}");
        let after = dump(caller).await;
        let difference = changed(&before, &after);
        before = after;
        let expected: Vec<_> = match method {
            Method::PUT | Method::DELETE => listed(route, ids).into_iter().collect(),
            _ => Vec::new(),
        };
        assert_eq!(difference, expected, "{place}");
        match (&method, route) {
            (&Method::PUT, _) if route.contains("{provider}") => {
                assert_eq!(
                    (&response["provider"], &response["model"]),
                    (&json!(ids[0]), &json!(ids[1])),
                    "{place}"
                );
            }
            // Events name sessions, and there are none.
            (&Method::GET, "/api/sessions/{id+}") => assert_eq!(
                (status, &response["detail"]),
                (StatusCode::NOT_FOUND, &json!("Session not found")),
                "{place}"
            ),
            (&(Method::PUT | Method::GET), _) if !route.contains("/usage") => {
                assert_eq!((status, &response["id"]), (StatusCode::OK, &json!(ids[0])), "{place}");
            }
            (&Method::GET, _) => {
                assert_eq!(
                    (status, &response["totals"]["projectId"]),
                    (StatusCode::OK, &json!(ids[0])),
                    "{place}"
                );
            }
            (&Method::POST, "/api/alerts/{id}/redeliver") => {
                assert_eq!(
                    (status, &response["detail"]),
                    (StatusCode::NOT_FOUND, &json!("Alert not found")),
                    "{place}"
                );
            }
            (&Method::POST, _) => {
                assert_eq!((status, &response["delivered"]), (StatusCode::OK, &json!(false)), "{place}");
            }
            // The service chooses the ids of repricing entries and keys.
            (_, "/api/cost-analysis/reprice/{id}") => assert_eq!(
                (status, &response["detail"]),
                (StatusCode::NOT_FOUND, &json!("Repricing not found")),
                "{place}"
            ),
            (_, "/api/keys/{id+}") => assert_eq!(
                (status, &response["detail"]),
                (StatusCode::NOT_FOUND, &json!("Key not found")),
                "{place}"
            ),
            // A job erases the name.
            (_, "/api/end-users/{id+}") => assert_eq!(status, StatusCode::ACCEPTED, "{place}"),
            _ => assert_eq!(status, StatusCode::NO_CONTENT, "{place}"),
        }
    }
}

/// An hour of compute of a project.
fn sample(nth: usize, project: &str) -> Value {
    let data = json!({
        "project_id": project, "instance_id": project, "from": "2026-09-15T10:00:00Z", "to": "2026-09-15T11:00:00Z",
        "cpu_cores": 1, "ram_gb": 1, "disk_gb": 1, "bandwidth_in_bytes": 1, "bandwidth_out_bytes": 1,
    });
    event(&format!("sample-{nth}"), "compute.usage", noon(), data)
}

/// Pairs of ids, and an organization in which each of them is used.
async fn world_of(cases: usize) -> (World, Vec<[String; 2]>) {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let pair = |_| [0, 1].map(|_| id().new_tree(&mut runner).unwrap().current());
    let mut ids: Vec<_> = (0..cases).map(pair).collect();
    ids.extend(DELIMITED.map(|id| [id.to_owned(), id.to_owned()]));
    let world = World::new().await;
    let caller = world.caller("acme");
    set_victims(&caller).await;
    let samples: Vec<_> = ids.iter().enumerate().map(|(nth, ids)| sample(nth, &ids[0])).collect();
    caller.record(&samples).await;
    (world, ids)
}

/// The query of a route.
fn query(method: &Method, route: &str) -> &'static str {
    match method {
        _ if route.ends_with("/usage") => {
            "?period=daily&start_date=2026-09-15T00:00:00Z&end_date=2026-09-16T00:00:00Z"
        }
        &Method::DELETE if route.contains("{provider}") => "?effectiveFrom=2026-09-01",
        _ => "",
    }
}

/// Sends requests through the local gateway.
struct ThroughLocalGateway<'a>(Caller<'a>);

impl Send for ThroughLocalGateway<'_> {
    async fn send(
        &self,
        method: &Method,
        route: &'static str,
        ids: &[String; 2],
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let uri = path(route, ids, encoded) + query(method, route);
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let response = self.0.send(method.clone(), &uri, &[("content-type", "application/json")], body).await;
        Some((response.status, response.body))
    }
}

#[tokio::test]
async fn any_id_that_is_escaped_once_is_reached_through_the_local_gateway() {
    let (world, ids) = world_of(8).await;
    for ids in &ids {
        use_routes(&world.caller("acme"), &ThroughLocalGateway(world.caller("acme")), ids).await;
    }
}

/// Sends events as API Gateway makes them of a path that is escaped `times` times.
struct ThroughApiGateway<'a> {
    world: &'a World,
    template: &'a Template,
    times: usize,
}

/// Decodes a text; none if an escape is malformed.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// The parameters of a route that a path matches.
fn matched(route: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut given = path.split('/');
    let mut found = BTreeMap::new();
    for segment in route.split('/') {
        let text = given.next()?;
        let name = segment.trim_matches(['{', '}', '+']);
        if segment.ends_with("+}") {
            let rest: Vec<_> = std::iter::once(text).chain(given.by_ref()).collect();
            found.insert(name.to_owned(), rest.join("/"));
        } else if segment.starts_with('{') && !text.is_empty() {
            found.insert(name.to_owned(), text.to_owned());
        } else if segment != text {
            return None;
        }
    }
    given.next().is_none().then_some(found)
}

impl ThroughApiGateway<'_> {
    /// A function's router. The registry may send test messages to this machine.
    fn router(&self, binary: &str) -> Router {
        let connection = Connection::new(self.world.stack.client().clone());
        if binary != "registry" {
            return router(self.world, binary, &connection);
        }
        let mut app = self.world.app_through(&connection);
        Arc::make_mut(&mut app.config).allow_local_webhooks = true;
        app.router(registry::routes())
    }

    /// The function and the event of a request, as captured from an HTTP API (see `infra/README.md`, "Ids in paths"):
    /// the path is decoded, ends at a question mark, is matched with the routes, and is decoded again.
    fn event(&self, method: &Method, path: &str, query: &str) -> Option<(&str, Value)> {
        let path = decoded(path)?;
        let path = path.split('?').next()?;
        let routes =
            self.template.functions.iter().flat_map(|function| {
                function.routes.iter().map(move |route| (function.binary.as_str(), route))
            });
        let fitting = routes.filter(|(_, route)| route.method == method.as_str());
        let fitting =
            fitting.filter_map(|(binary, route)| Some((binary, route, matched(&route.path, path)?)));
        // The most specific first: literals before parameters before greedy ones.
        let rank = |route: &str| {
            let rank = |segment: &str| (segment.starts_with('{'), segment.ends_with("+}"));
            route.split('/').map(rank).collect::<Vec<_>>()
        };
        let (binary, route, parameters) = fitting.min_by_key(|(_, route, _)| rank(&route.path))?;
        let parameters = parameters.into_iter().map(|(name, value)| Some((name, decoded(&value)?)));
        let parameters = parameters.collect::<Option<BTreeMap<_, _>>>()?;
        let (key, raw) = (format!("{method} {}", route.path), decoded(path)?);
        let token = self.world.stack.token("acme", &Scope::ALL).unwrap();
        let event = json!({
            "version": "2.0", "routeKey": key, "rawPath": raw, "rawQueryString": query,
            "headers": {
                "authorization": format!("Bearer {token}"), "content-type": "application/json", "host": "api.example",
            },
            "pathParameters": parameters, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "0", "apiId": "api", "domainName": "api.example", "domainPrefix": "api", "requestId": "r",
                "routeKey": key, "stage": "$default", "time": "15/Sep/2026:12:00:00 +0000", "timeEpoch": 0,
                "http": {
                    "method": method.as_str(), "path": raw, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                    "userAgent": "",
                },
            },
        });
        Some((binary, event))
    }
}

impl Send for ThroughApiGateway<'_> {
    async fn send(
        &self,
        method: &Method,
        route: &'static str,
        ids: &[String; 2],
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let encode = |id: &str| (0..self.times).fold(id.to_owned(), |id, _| encoded(&id));
        let query = query(method, route).trim_start_matches('?');
        let (binary, mut event) = self.event(method, &path(route, ids, encode), query)?;
        if !body.is_null() {
            event["body"] = json!(body.to_string());
        }
        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        let request =
            web::gateway_path::event_with_escaped_path(LambdaEvent::new(request, Context::default()));
        let function = self.router(binary);
        let response = Adapter::from(function).call(request);
        let response = serde_json::to_value(response.await.unwrap()).unwrap();
        let status =
            StatusCode::from_u16(response["statusCode"].as_u64().unwrap().try_into().unwrap()).unwrap();
        let body = response["body"].as_str().unwrap_or_default();
        Some((status, serde_json::from_str(body).unwrap_or_default()))
    }
}

#[tokio::test]
async fn any_id_that_is_escaped_twice_is_reached_through_api_gateway() {
    let (world, ids) = world_of(4).await;
    let template = Template::built_in().unwrap();
    for ids in &ids {
        let sender = ThroughApiGateway { world: &world, template: &template, times: 2 };
        use_routes(&world.caller("acme"), &sender, ids).await;
    }
}

/// Whether API Gateway takes an id for another one if it is escaped only once: see `infra/README.md`.
fn needs_two_escapes(ids: &[String; 2]) -> bool {
    ids.iter().any(|id| id.contains(['?', '%'])) || ids[0].contains('/')
}

#[tokio::test]
async fn most_ids_that_are_escaped_once_are_reached_through_api_gateway() {
    let (world, ids) = world_of(8).await;
    let template = Template::built_in().unwrap();
    for ids in ids.iter().filter(|ids| !needs_two_escapes(ids)) {
        let sender = ThroughApiGateway { world: &world, template: &template, times: 1 };
        use_routes(&world.caller("acme"), &sender, ids).await;
    }
    // A slash is one of several segments, in the middle of a path as at its end.
    let sender = ThroughApiGateway { world: &world, template: &template, times: 1 };
    let ids = ["team/x".to_owned(), "meta/llama".to_owned()];
    world.caller("acme").record(&[sample(999, &ids[0])]).await;
    for (method, route) in routes().into_iter().filter(|(_, route)| !route.contains("{provider}")) {
        let body = if method == Method::PUT { body(route) } else { Value::Null };
        let (status, response) = sender.send(&method, route, &ids, &body).await.unwrap_or_default();
        let reached = status.is_success() || response["detail"] != "Not Found";
        assert!(reached, "{method} {route}: {status} {response}");
    }
}

#[tokio::test]
async fn ids_that_a_path_could_not_reach_are_reserved() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let all = functions().into_iter().flat_map(|(_, routes)| routes.into_iter().map(|route| route.path));
    let of_agents = all.filter_map(|path| path.strip_prefix("/api/agents/").filter(|end| !end.contains('{')));
    let agents: Vec<_> = of_agents.chain([".", ".."]).map(|id| ("/api/agents", id)).collect();
    assert_eq!(agents.len(), 5);
    let others = [
        ("/api/projects", "x/usage"),
        ("/api/projects", "a/b/usage"),
        ("/api/projects", ".."),
        ("/api/alerts/destinations", "."),
        ("/api/cost-analysis/pricing/openai", ".."),
    ];
    for (list, id) in agents.into_iter().chain(others) {
        let path = format!("{list}/{}", encoded(id));
        let body = body(&format!("{list}/"));
        let response =
            caller.send(Method::PUT, &path, &[("content-type", "application/json")], body.to_string()).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(response.body["detail"][0]["type"], "reserved", "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn dot_segments_are_part_of_an_id() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for path in
        ["%252e%252e/budget", "%2e%2e/budget", ".%2e/budget", "%2e%2e%2fbudget", "x%2F..%2F..%2Fbudget"]
    {
        let response = caller.try_get(&format!("/api/agents/{path}")).await;
        assert_eq!(
            (response.status, &response.body["detail"]),
            (StatusCode::NOT_FOUND, &json!("Agent not found"))
        );
    }
}

#[tokio::test]
async fn a_malformed_escape_is_refused() {
    let world = World::new().await;
    for path in ["/api/agents/%ff", "/api/agents/%zz", "/api/agents/100%", "/api/projects/%C3/usage"] {
        let response = world.caller("acme").try_get(path).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(response.body["detail"][0]["type"], "utf8", "{path}");
    }
}
