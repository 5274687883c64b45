//! Every route, called by another organization: it shows nothing and changes nothing.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::routes::functions;
use super::walk::{MARK, fill, path, post_reprice, put, routes, settings};
use crate::support::{Caller, World};

/// Routes that need no token.
fn public_paths() -> impl Iterator<Item = &'static str> {
    let all = functions().into_iter().flat_map(|(_, routes)| routes);
    all.filter(|route| route.scope.is_none()).map(|route| route.path)
}

/// The path of a route that acts on a resource called `name`. Where the last parameter takes the rest of the path, the
/// action is part of that rest.
fn action(route: &str, name: &str) -> String {
    let path = path(route, name);
    if route.starts_with("/api/alerts/destinations/") { format!("{path}/test") } else { path }
}

/// The responses of all GET routes about resources called `name`.
async fn read_everything(caller: &Caller<'_>, name: &str) -> Vec<(String, StatusCode, Value)> {
    let mut all = Vec::new();
    for route in routes(&Method::GET) {
        let path = path(route.path, name);
        let response = caller.try_get(&path).await;
        all.push((route.path.to_owned(), response.status, response.body));
    }
    all
}

#[tokio::test]
async fn no_route_shows_or_changes_anything_of_another_organization() {
    let world = World::new().await;
    let (owner, stranger) = (world.caller("owner"), world.caller("stranger"));
    fill(&owner).await;
    let entry = json!({ "from": "2026-09-14", "to": "2026-09-15", "why": MARK, "dryRun": false });
    assert_eq!(post_reprice(&owner, &entry).await, StatusCode::OK);
    world.stack.drain().await;
    let before = read_everything(&owner, MARK).await;
    let shown = |all: &[(String, StatusCode, Value)]| {
        all.iter().filter(|(_, _, body)| body.to_string().contains(MARK)).count()
    };
    // The mark must be visible to its owner for the test to mean anything.
    assert!(shown(&before) > 15, "{}", shown(&before));

    let strangers = read_everything(&stranger, MARK).await;
    assert_eq!(shown(&strangers), 0);
    // A resource of another organization and a missing one give equal bytes.
    assert_eq!(strangers, read_everything(&stranger, "nobody").await);
    for (path, status, _) in &strangers {
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(status), "{path}: {status}");
    }
    for path in public_paths() {
        let body = world.anonymous().try_get(path).await.body.to_string();
        assert!(![MARK, "owner"].iter().any(|name| body.contains(name)), "{path}: {body}");
    }

    for route in routes(&Method::DELETE) {
        let path = format!("{}?effectiveFrom=2026-09-01", path(route.path, MARK));
        stranger.send(Method::DELETE, &path, &[], "").await;
    }
    // Actions, before the other organization has resources of its own by that name.
    for route in routes(&Method::POST).iter().filter(|route| route.path.contains("{id")) {
        let [theirs, nobodys] = [MARK, "nobody"].map(|name| action(route.path, name));
        let theirs = stranger.send(Method::POST, &theirs, &[], "").await;
        let nobodys = stranger.send(Method::POST, &nobodys, &[], "").await;
        assert_eq!((theirs.status, &theirs.body), (StatusCode::NOT_FOUND, &nobodys.body), "{}", route.path);
    }
    for route in routes(&Method::PUT) {
        put(&stranger, &path(route.path, MARK), &settings(route.path)).await;
    }
    world.stack.drain().await;
    assert_eq!(read_everything(&owner, MARK).await, before);
}
