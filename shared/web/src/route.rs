//! Routes: method, path, scope and handler.

use std::borrow::Cow;

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;

use crate::app::App;
use crate::auth::Scope;

/// A route: its method and path, the scope it requires and its handler.
#[derive(Clone)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path with parameters in braces, as API Gateway writes it.
    ///
    /// API Gateway decodes a path before it matches a route, so an id that contains a slash cannot match `{id}`, even
    /// escaped. Such an id is the last parameter of its route, `{id+}`, which matches the rest of the path.
    pub path: &'static str,
    /// The scope that a token must have; none for a public route.
    pub scope: Option<Scope>,
    pub(crate) handler: MethodRouter<App>,
}

impl Route {
    /// A `GET` route.
    pub fn get<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::GET, path, scope: Some(scope), handler: on(MethodFilter::GET, handler) }
    }

    /// A `GET` route that needs no token. Its response must not contain an organization's data.
    pub fn public<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self { method: Method::GET, path, scope: None, handler: on(MethodFilter::GET, handler) }
    }

    /// A `POST` route.
    pub fn post<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::POST, path, scope: Some(scope), handler: on(MethodFilter::POST, handler) }
    }

    /// A `PUT` route.
    pub fn put<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::PUT, path, scope: Some(scope), handler: on(MethodFilter::PUT, handler) }
    }

    /// A `DELETE` route.
    pub fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::DELETE, path, scope: Some(scope), handler: on(MethodFilter::DELETE, handler) }
    }
}

/// Converts a path to axum's syntax: API Gateway's `{name+}` is axum's `{*name}`.
pub(crate) fn axum_path(path: &str) -> Cow<'_, str> {
    match path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
        Some((front, name)) => Cow::Owned(format!("{front}{{*{name}}}")),
        None => Cow::Borrowed(path),
    }
}

/// Converts a path to API Gateway's syntax.
pub(crate) fn api_path(path: &str) -> Cow<'_, str> {
    match path.strip_suffix('}').and_then(|path| path.rsplit_once("{*")) {
        Some((front, name)) => Cow::Owned(format!("{front}{{{name}+}}")),
        None => Cow::Borrowed(path),
    }
}
