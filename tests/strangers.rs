//! Every route again, asked by somebody of another organisation: not one byte is shown, nothing is changed.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use web::route::Route;

use crate::routes::functions;
use crate::support::events::event;
use crate::support::{Caller, World, noon};

/// Stands in every name of the organisation that is not to be seen.
pub const MARK: &str = "zebra";

pub fn routes(method: &Method) -> Vec<Route> {
    let all = functions().into_iter().flat_map(|(_, routes)| routes);
    all.filter(|route| route.method == *method && route.scope.is_some()).collect()
}

/// What anyone may ask.
fn public_paths() -> impl Iterator<Item = &'static str> {
    let all = functions().into_iter().flat_map(|(_, routes)| routes);
    all.filter(|route| route.scope.is_none()).map(|route| route.path)
}

/// The path of a route whose parameters name things called `name`.
pub fn path(route: &str, name: &str) -> String {
    let fill = |part: &str| if part.starts_with('{') { name.to_owned() } else { part.to_owned() };
    route.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// The path of a route that does something to a thing called `name`: what is done follows a parameter that takes all
/// that is left.
fn action(route: &str, name: &str) -> String {
    let path = path(route, name);
    if route.starts_with("/api/alerts/destinations/") { format!("{path}/test") } else { path }
}

/// What the routes that set something take.
pub fn settings(route: &str) -> Value {
    if route.starts_with("/api/cost-analysis/pricing/") {
        json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": 1, "outputPricePerMillion": 2 })
    } else if route.starts_with("/api/alerts/destinations/") {
        json!({ "url": format!("https://{MARK}.example/hook") })
    } else if route == "/api/budget" {
        json!({ "monthly": "0.01" })
    } else if route == "/v1/billing/subscription" {
        json!({ "plan_name": MARK })
    } else {
        json!({ "name": MARK })
    }
}

/// Uses and sets everything that there is, all of it called by the mark.
pub async fn fill(caller: &Caller<'_>) {
    let call = json!({
        "agent_id": MARK, "provider": MARK, "model": MARK, "input_tokens": 424_242, "output_tokens": 7,
        "cost_usd": "4.242424", "end_user": MARK, "task_type": "chat", "hostname": MARK,
    });
    let compute = json!({
        "project_id": MARK, "instance_id": MARK, "from": "2026-09-15T09:00:00Z", "to": "2026-09-15T11:00:00Z",
        "cpu_cores": 3, "ram_gb": 5, "disk_gb": 7, "bandwidth_in_bytes": 11, "bandwidth_out_bytes": 13,
    });
    let entry = json!({ "agent_id": MARK, "event_type": MARK, "details": { "secret": MARK } });
    caller
        .record(&[
            event(MARK, "llm.call", noon(), call.clone()),
            event(&format!("{MARK}-2"), "llm.call", noon() - TimeDelta::days(20), call),
            event(
                &format!("{MARK}-3"),
                "task.completed",
                noon(),
                json!({ "agent_id": MARK, "minutes_saved": 3 }),
            ),
            event(&format!("{MARK}-4"), "agent.activity", noon(), entry),
            event(&format!("{MARK}-5"), "compute.usage", noon(), compute),
            event(
                &format!("{MARK}-6"),
                "host.report",
                noon(),
                json!({ "node_id": MARK, "hosted_sites": 17 }),
            ),
        ])
        .await;
    for route in routes(&Method::PUT) {
        let answer = put(caller, &path(route.path, MARK), &settings(route.path)).await;
        assert_eq!(answer, StatusCode::OK, "{}", route.path);
    }
}

pub async fn put(caller: &Caller<'_>, path: &str, body: &Value) -> StatusCode {
    caller.send(Method::PUT, path, &[("content-type", "application/json")], body.to_string()).await.status
}

/// What every route that reads says of things called `name`.
async fn all_that_is_read(caller: &Caller<'_>, name: &str) -> Vec<(String, StatusCode, Value)> {
    let mut all = Vec::new();
    for route in routes(&Method::GET) {
        let path = path(route.path, name);
        let answer = caller.try_get(&path).await;
        all.push((route.path.to_owned(), answer.status, answer.body));
    }
    all
}

#[tokio::test]
async fn no_route_shows_or_changes_anything_of_another_organisation() {
    let world = World::new().await;
    let (owner, stranger) = (world.caller("owner"), world.caller("stranger"));
    fill(&owner).await;
    world.stack.drain().await;
    let before = all_that_is_read(&owner, MARK).await;
    let shown = |all: &[(String, StatusCode, Value)]| {
        all.iter().filter(|(_, _, body)| body.to_string().contains(MARK)).count()
    };
    // The owner sees it in most places, or this would prove nothing.
    assert!(shown(&before) > 15, "{}", shown(&before));

    let strangers = all_that_is_read(&stranger, MARK).await;
    assert_eq!(shown(&strangers), 0);
    // A thing of another organisation and a thing of nobody are the same bytes.
    assert_eq!(strangers, all_that_is_read(&stranger, "nobody").await);
    for (path, status, _) in &strangers {
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(status), "{path}: {status}");
    }
    for path in public_paths() {
        let told = world.stranger().get(path).await.to_string();
        assert!(![MARK, "owner"].iter().any(|name| told.contains(name)), "{path}: {told}");
    }

    for route in routes(&Method::DELETE) {
        let path = format!("{}?effectiveFrom=2026-09-01", path(route.path, MARK));
        stranger.send(Method::DELETE, &path, &[], "").await;
    }
    // What is done to a thing, as far as the stranger has none of its own by that name.
    for route in routes(&Method::POST).iter().filter(|route| route.path.contains('{')) {
        let [theirs, nobodys] = [MARK, "nobody"].map(|name| action(route.path, name));
        let theirs = stranger.send(Method::POST, &theirs, &[], "").await;
        let nobodys = stranger.send(Method::POST, &nobodys, &[], "").await;
        assert_eq!((theirs.status, &theirs.body), (StatusCode::NOT_FOUND, &nobodys.body), "{}", route.path);
    }
    for route in routes(&Method::PUT) {
        put(&stranger, &path(route.path, MARK), &settings(route.path)).await;
    }
    world.stack.drain().await;
    assert_eq!(all_that_is_read(&owner, MARK).await, before);
}
