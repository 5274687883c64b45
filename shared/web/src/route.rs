//! Routes: method, path, scope and handler.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use runtime::tables::Tables;

use crate::app::App;
use crate::auth::Scope;
use crate::gateway_path::gateway_paths;

/// A route: its method and path, the scope it requires and its handler. `T` are the tables of the function that has it.
#[derive(Clone)]
pub struct Route<T> {
    /// The HTTP method.
    pub method: Method,
    /// The path with parameters in braces. An id that may contain slashes is the last parameter, with a plus: `{id+}`.
    pub path: &'static str,
    /// The scope that a token must have; none for a public route.
    pub scope: Option<Scope>,
    pub(crate) handler: MethodRouter<App<T>>,
}

impl<T: Tables> Route<T> {
    /// A `GET` route.
    pub fn get<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::GET, path, scope: Some(scope), handler: on(MethodFilter::GET, handler) }
    }

    /// A `GET` route that needs no token. Its response must not contain an organization's data.
    pub fn public<H: Handler<X, App<T>>, X: 'static>(path: &'static str, handler: H) -> Self {
        Self { method: Method::GET, path, scope: None, handler: on(MethodFilter::GET, handler) }
    }

    /// A `POST` route.
    pub fn post<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::POST, path, scope: Some(scope), handler: on(MethodFilter::POST, handler) }
    }

    /// A `PUT` route.
    pub fn put<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::PUT, path, scope: Some(scope), handler: on(MethodFilter::PUT, handler) }
    }

    /// A `DELETE` route.
    pub fn delete<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self { method: Method::DELETE, path, scope: Some(scope), handler: on(MethodFilter::DELETE, handler) }
    }
}

/// What a route answers to, whatever function has it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The HTTP method.
    pub method: Method,
    /// The path, see [`Route::path`].
    pub path: &'static str,
    /// The scope that a token must have; none for a public route.
    pub scope: Option<Scope>,
}

impl Endpoint {
    /// The paths under which API Gateway has to know the route.
    pub fn gateway_paths(&self) -> Vec<String> {
        gateway_paths(self.path)
    }
}

impl<T> From<Route<T>> for Endpoint {
    fn from(route: Route<T>) -> Self {
        Self { method: route.method, path: route.path, scope: route.scope }
    }
}

/// Converts a path to axum's syntax. Every parameter is one segment there, see [`gateway_path`](crate::gateway_path).
pub(crate) fn axum_path(path: &str) -> String {
    path.replace("+}", "}")
}
