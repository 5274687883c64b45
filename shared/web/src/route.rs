//! Routes: method, path, scope and handler.

use std::borrow::Cow;

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;

use crate::app::App;
use crate::auth::Scope;

/// One route: what it answers to, what it asks for, and who answers.
#[derive(Clone)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, parameters in braces, as API Gateway writes it.
    ///
    /// API Gateway resolves escapes before it looks for a route, so an id with a slash in it fits no `{id}`, however it
    /// is escaped. Such an id is the last parameter of its route, `{id+}`, which takes all that is left.
    pub path: &'static str,
    /// The scope that a token must hold; none for what is public.
    pub scope: Option<Scope>,
    pub(crate) handler: MethodRouter<App>,
}

impl Route {
    /// A route for `GET`.
    pub fn get<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::GET, path, scope: Some(scope), handler: on(MethodFilter::GET, handler) }
    }

    /// A route for `GET` that anyone may ask, without a token. Nothing of any organisation may be in its answer.
    pub fn public<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self { method: Method::GET, path, scope: None, handler: on(MethodFilter::GET, handler) }
    }

    /// A route for `POST`.
    pub fn post<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::POST, path, scope: Some(scope), handler: on(MethodFilter::POST, handler) }
    }

    /// A route for `PUT`.
    pub fn put<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::PUT, path, scope: Some(scope), handler: on(MethodFilter::PUT, handler) }
    }

    /// A route for `DELETE`.
    pub fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::DELETE, path, scope: Some(scope), handler: on(MethodFilter::DELETE, handler) }
    }
}

/// A route's path as axum writes it: a last parameter that takes the rest of the path is `{name+}` to API Gateway.
pub(crate) fn axum_path(path: &str) -> Cow<'_, str> {
    match path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
        Some((front, name)) => Cow::Owned(format!("{front}{{*{name}}}")),
        None => Cow::Borrowed(path),
    }
}

/// The same route's path as API Gateway writes it.
pub(crate) fn api_path(path: &str) -> Cow<'_, str> {
    match path.strip_suffix('}').and_then(|path| path.rsplit_once("{*")) {
        Some((front, name)) => Cow::Owned(format!("{front}{{{name}+}}")),
        None => Cow::Borrowed(path),
    }
}
