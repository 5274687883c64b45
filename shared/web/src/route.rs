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
    /// Whether responses state up to which instant their figures are complete.
    pub has_figures: bool,
    pub(crate) handler: MethodRouter<App<T>>,
}

impl<T: Tables> Route<T> {
    fn new(method: Method, path: &'static str, scope: Option<Scope>, handler: MethodRouter<App<T>>) -> Self {
        Self { method, path, scope, has_figures: false, handler }
    }

    /// Adds to each response [up to which instant](crate::freshness) its figures are complete.
    #[must_use]
    pub fn with_figures(mut self) -> Self {
        self.has_figures = true;
        self
    }

    /// A `GET` route.
    pub fn get<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self::new(Method::GET, path, Some(scope), on(MethodFilter::GET, handler))
    }

    /// A `GET` route that needs no token. Its response must not contain an organization's data.
    pub fn public<H: Handler<X, App<T>>, X: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::GET, path, None, on(MethodFilter::GET, handler))
    }

    /// A `POST` route.
    pub fn post<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self::new(Method::POST, path, Some(scope), on(MethodFilter::POST, handler))
    }

    /// A `PUT` route.
    pub fn put<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self::new(Method::PUT, path, Some(scope), on(MethodFilter::PUT, handler))
    }

    /// A `DELETE` route.
    pub fn delete<H: Handler<X, App<T>>, X: 'static>(path: &'static str, scope: Scope, handler: H) -> Self {
        Self::new(Method::DELETE, path, Some(scope), on(MethodFilter::DELETE, handler))
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
    /// Whether responses state up to which instant their figures are complete.
    pub has_figures: bool,
}

impl Endpoint {
    /// The paths under which API Gateway has to know the route.
    pub fn gateway_paths(&self) -> Vec<String> {
        gateway_paths(self.path)
    }
}

impl<T> From<Route<T>> for Endpoint {
    fn from(route: Route<T>) -> Self {
        Self { method: route.method, path: route.path, scope: route.scope, has_figures: route.has_figures }
    }
}

/// Converts a path to axum's syntax. Every parameter is one segment there, see [`gateway_path`](crate::gateway_path).
pub(crate) fn axum_path(path: &str) -> String {
    path.replace("+}", "}")
}
