//! Responses of the gateway itself, in the project's error format.

use axum::body::Bytes;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use serde_json::json;
use web::error::Error;

/// The response for `error`.
pub async fn refused(error: Error) -> Response<Bytes> {
    let (parts, body) = error.into_response().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    guarded(Response::from_parts(parts, body))
}

/// A response for which `Error` has no variant, with the usual text of its status.
pub fn of(status: StatusCode) -> Response<Bytes> {
    with(status, text(status))
}

pub fn with(status: StatusCode, detail: &str) -> Response<Bytes> {
    let mut response = Response::new(json!({ "detail": detail }).to_string().into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    guarded(response)
}

/// A sentence about a request that is refused with `status`.
pub fn text(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request is not valid HTTP.",
        StatusCode::REQUEST_TIMEOUT => "The request did not arrive in time.",
        StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than 10 MiB.",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests. Try again later.",
        StatusCode::NOT_IMPLEMENTED => "The only transfer coding is chunked.",
        StatusCode::URI_TOO_LONG => "The path and query are too long.",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The headers are larger than 10 KiB.",
        _ => "The request cannot be handled.",
    }
}

fn guarded(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
