//! The key that the local stack prints at its start, for exporters.

use axum::body::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use web::auth::Scope;

use crate::error::{Error, Result};
use crate::stack::Stack;

/// The display name of these keys. Keys of earlier starts are deleted, because they cannot be shown again.
const NAME: &str = "printed at the start of the local stack";

/// A new key of `org` that sends events.
pub async fn create(stack: &Stack, org: &str) -> Result<String> {
    let keys = call(stack, org, Method::GET, "/api/keys", String::new(), StatusCode::OK).await?;
    for old in keys["items"].as_array().into_iter().flatten().filter(|key| key["name"] == NAME) {
        let path = format!("/api/keys/{}", old["id"].as_str().unwrap_or_default());
        call(stack, org, Method::DELETE, &path, String::new(), StatusCode::NO_CONTENT).await?;
    }
    let body =
        json!({ "name": NAME, "scopes": [Scope::EventsWrite.as_str(), Scope::EventsBackfill.as_str()] });
    let key = call(stack, org, Method::POST, "/api/keys", body.to_string(), StatusCode::CREATED).await?;
    Ok(key["key"].as_str().unwrap_or_default().to_owned())
}

async fn call(
    stack: &Stack,
    org: &str,
    method: Method,
    path: &str,
    body: String,
    expected: StatusCode,
) -> Result<Value> {
    let token = stack.token(org, &[Scope::RegistryRead, Scope::RegistryWrite])?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Bytes::from(body));
    let response = stack.call(request.map_err(|error| Error::caused("the request for a key", error))?).await;
    if response.status() != expected {
        return Err(Error::new(format!("a key could not be created: {}", response.status())));
    }
    Ok(serde_json::from_slice(response.body()).unwrap_or_default())
}
