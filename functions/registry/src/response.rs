//! Responses that carry an `ETag`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;
use store::registry::{Stored, UNSET};

/// A resource and its version.
#[derive(Debug, Serialize)]
pub struct Versioned<T> {
    #[serde(flatten)]
    resource: T,
    etag: String,
}

impl<T> Versioned<T> {
    /// Takes the version from what is stored.
    pub fn new<S>(resource: T, stored: &Stored<S>) -> Self {
        Self::with_etag(resource, stored.etag.clone().unwrap_or_else(|| UNSET.to_owned()))
    }

    pub const fn with_etag(resource: T, etag: String) -> Self {
        Self { resource, etag }
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let tag = HeaderValue::from_str(&format!("\"{}\"", self.etag)).ok();
        let mut response = Json(self).into_response();
        if let Some(tag) = tag {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// A list of resources, by id.
#[derive(Debug, Serialize)]
pub struct Items<T> {
    pub items: Vec<Versioned<T>>,
}
