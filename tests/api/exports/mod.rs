//! `/api/exports`.

mod focus;
mod ocsf;
mod scheduled;

use axum::body::Bytes;
use http::{Method, Request, Response, StatusCode};
use web::auth::Scope;

use crate::support::World;

/// The response to a GET of a file.
async fn get(world: &World, path: &str) -> Response<Bytes> {
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request =
        Request::builder().method(Method::GET).uri(path).header("authorization", format!("Bearer {token}"));
    world.stack.call(request.body(Bytes::new()).unwrap()).await
}

/// All pages of a file.
async fn file(world: &World, path: &str) -> String {
    let (mut text, mut cursor) = (String::new(), String::new());
    loop {
        let response = get(world, &format!("{path}{cursor}")).await;
        let page = str::from_utf8(response.body()).unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}: {page}");
        text.push_str(page);
        let Some(next) = response.headers().get("x-next-cursor") else { return text };
        cursor = format!("&cursor={}", next.to_str().unwrap());
    }
}
