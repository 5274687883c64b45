//! Responses that carry an `ETag`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;
use serde_json::value::RawValue;
use store::registry::{Stored, UNSET};
use web::page::Page;

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

/// A page of a list of resources, by id.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemsPage {
    items: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<Page> for ItemsPage {
    fn from(Page { rows, next_cursor }: Page) -> Self {
        Self { items: rows, next_cursor }
    }
}

/// A list of resources, by id.
#[derive(Debug, Serialize)]
pub struct Items<T> {
    pub items: Vec<Versioned<T>>,
}
