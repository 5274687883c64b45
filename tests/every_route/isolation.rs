//! Every route again, asked by somebody of another organisation: not one byte is shown, nothing is changed.

use http::{Method, StatusCode};
use serde_json::Value;

use super::routes::functions;
use super::walk::{MARK, fill, path, put, routes, settings};
use crate::support::{Caller, World};

/// What anyone may ask.
fn public_paths() -> impl Iterator<Item = &'static str> {
    let all = functions().into_iter().flat_map(|(_, routes)| routes);
    all.filter(|route| route.scope.is_none()).map(|route| route.path)
}

/// The path of a route that does something to a thing called `name`: what is done follows a parameter that takes all
/// that is left.
fn action(route: &str, name: &str) -> String {
    let path = path(route, name);
    if route.starts_with("/api/alerts/destinations/") { format!("{path}/test") } else { path }
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
