//! The state of a function, its router and its start-up.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use futures::join;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use runtime::clock::Clock;
use runtime::config::{Config, ConfigError};
use runtime::metrics;
use runtime::tables::{Database, Tables};
use tower::ServiceExt;

use crate::auth::{ApiKeys, Verifier};
use crate::caller::Gate;
use crate::freshness::Freshness;
use crate::gateway_path::{self, Paths};
use crate::route::{Route, axum_path};
use crate::{caller, freshness, logs, method, table};

/// The state that all requests of a function share. `T` are the tables that its role grants.
#[derive(Clone)]
pub struct App<T> {
    /// The function's configuration.
    pub config: Arc<Config>,
    /// The current time for responses. Tokens are verified with the wall clock.
    pub clock: Clock,
    /// Verifies the callers' tokens.
    pub verifier: Arc<Verifier>,
    /// Verifies the callers' keys.
    pub keys: Arc<ApiKeys>,
    /// Tells up to which instant figures are complete.
    pub freshness: Arc<Freshness>,
    /// The DynamoDB tables that the function may use.
    pub tables: T,
}

impl<T: Tables> App<T> {
    /// Builds the state of a function with `routes` from the environment and warms its connections.
    pub async fn from_env(routes: &[Route<T>]) -> Result<Self, lambda_http::Error> {
        let database = Database::from_env(&Config::without_auth()?.tables).await;
        let tables = T::open(&database)?;
        let keys = Arc::new(ApiKeys::new(database.registry().ok()));
        let freshness = Arc::new(Freshness::new(database.usage().ok()));
        // The first TLS handshake with DynamoDB costs more than the rest of a cold start, so it is made in the init phase.
        // Secrets are fetched meanwhile, and beyond it if they take longer.
        let (configured, ()) = join!(Self::configured(routes), tables.warm());
        let (config, verifier) = configured?;
        Ok(Self {
            config: Arc::new(config),
            clock: Clock::system(),
            verifier: Arc::new(verifier),
            keys,
            freshness,
            tables,
        })
    }

    async fn configured(routes: &[Route<T>]) -> Result<(Config, Verifier), lambda_http::Error> {
        if is_public(routes) {
            return Ok((Config::without_auth()?, Verifier::without_keys()));
        }
        let config = Config::from_env()?;
        let auth = config.auth.as_ref().ok_or("no way to verify tokens is configured")?;
        let verifier = Verifier::new(auth)?;
        verifier.warm().await;
        Ok((config, verifier))
    }

    /// The service for `routes`, with responses in the documented format for everything else.
    pub fn router(&self, routes: Vec<Route<T>>) -> Router {
        let paths = Paths::new(routes.iter().map(|route| route.path));
        let mut all = Router::new();
        for route in routes {
            let gate = Gate { verifier: self.verifier.clone(), keys: self.keys.clone() };
            let guard = middleware::from_fn_with_state((gate, route.scope), caller::authorize);
            let handler = if route.has_figures {
                let stated = middleware::from_fn_with_state(self.clone(), freshness::stated);
                route.handler.route_layer(stated)
            } else {
                route.handler
            };
            // `route_layer`: a method that is not supported is a 405 even without a token.
            all = all.route(&axum_path(route.path), handler.route_layer(guard));
        }
        let all = all
            .method_not_allowed_fallback(caller::method_not_allowed)
            .fallback(caller::not_found)
            .layer(middleware::from_fn(table::formatted))
            .layer(middleware::map_response(guarded))
            .layer(middleware::from_fn(logs::request))
            .with_state(self.clone());
        // Around the router, because a layer of it runs after a route has been chosen.
        let all = all.map_request(move |request| paths.restore(request));
        Router::new().fallback_service(all).layer(middleware::from_fn(method::handle))
    }
}

/// Responses hold an organization's figures, so nothing on the way may keep them, unless a handler says otherwise; and
/// no browser may take them for something else than their content type says.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether every route is public.
fn is_public<T>(routes: &[Route<T>]) -> bool {
    routes.iter().all(|route| route.scope.is_none())
}

/// Runs a function with `routes` behind API Gateway.
pub async fn serve<T: Tables>(routes: Vec<Route<T>>) -> Result<(), lambda_http::Error> {
    serve_checked(routes, |_| Ok(())).await
}

/// Like [`serve`], for a function that needs more configuration than others: `check` fails if it is missing.
pub async fn serve_checked<T: Tables>(
    routes: Vec<Route<T>>,
    check: impl FnOnce(&Config) -> Result<(), ConfigError>,
) -> Result<(), lambda_http::Error> {
    gateway_path::run(start(routes, check).await?).await
}

/// Like [`serve`], for a function with metrics, which are printed after each request.
pub async fn serve_counted<T: Tables>(
    function: &'static str,
    routes: Vec<Route<T>>,
) -> Result<(), lambda_http::Error> {
    let counting = move |request: Request, next: Next| metrics::printed(function, next.run(request));
    let router = start(routes, |_| Ok(())).await?.layer(middleware::from_fn(counting));
    gateway_path::run(router).await
}

async fn start<T: Tables>(
    routes: Vec<Route<T>>,
    check: impl FnOnce(&Config) -> Result<(), ConfigError>,
) -> Result<Router, lambda_http::Error> {
    runtime::logs::init();
    let app = App::from_env(&routes).await?;
    check(&app.config)?;
    Ok(app.router(routes))
}
