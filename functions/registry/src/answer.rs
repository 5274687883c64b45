//! Answers that name their version.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;
use store::registry::{Stored, UNSET};

/// A thing and its version.
#[derive(Debug, Serialize)]
pub struct Versioned<T> {
    #[serde(flatten)]
    thing: T,
    etag: String,
}

impl<T> Versioned<T> {
    /// `thing`, at the version of what is stored.
    pub fn new<S>(thing: T, stored: &Stored<S>) -> Self {
        Self { thing, etag: stored.etag.clone().unwrap_or_else(|| UNSET.to_owned()) }
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

/// A list, by id.
#[derive(Debug, Serialize)]
pub struct Items<T> {
    /// All there are.
    pub items: Vec<Versioned<T>>,
}
