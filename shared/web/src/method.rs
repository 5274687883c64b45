//! Methods that no route names: `HEAD`, and the `OPTIONS` of a browser's preflight.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_LENGTH, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};

/// The method that the caller used, where the request is handled as another one.
#[derive(Clone, Debug)]
pub(crate) struct Sent(pub Method);

/// Answers `HEAD` with the headers of `GET`, whatever its format, and a preflight.
pub(crate) async fn handle(mut request: Request, next: Next) -> Response {
    if is_preflight(&request) {
        // A route for all methods gets it, and API Gateway adds the CORS headers that it is configured with to the
        // response: without them the browser refuses the page's request.
        let guards = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
        return (StatusCode::NO_CONTENT, guards).into_response();
    }
    if request.method() != Method::HEAD {
        return next.run(request).await;
    }
    *request.method_mut() = Method::GET;
    request.extensions_mut().insert(Sent(Method::HEAD));
    without_body(next.run(request).await)
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    Response::from_parts(parts, Body::empty())
}
