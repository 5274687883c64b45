//! What a function is made of: its configuration, clock, token verifier and store, and the router built of routes.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::routing::{MethodFilter, MethodRouter, on};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::{join, try_join};
use http::Method;

use crate::auth::{Scope, Verifier};
use crate::config::{Config, ConfigError};
use crate::emf;
use crate::error::Result;
use crate::http as web;
use crate::ids::OrgId;
use crate::logs;
use crate::period::{Day, DayRange};
use crate::store::Store;

/// Where "now" comes from. Only this type reads the wall clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The real time.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `now` until it is set.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_millis()))))
    }

    /// Moves a fixed clock; the system's clock goes its own way.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(fixed) = &self.0 {
            fixed.store(now.timestamp_millis(), Ordering::SeqCst);
        }
    }

    /// The time by this clock.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(fixed) => DateTime::from_timestamp_millis(fixed.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }
}

/// One function's state, shared by its requests.
#[derive(Clone)]
pub struct App {
    /// What it was told from outside.
    pub config: Arc<Config>,
    /// Its idea of now: dates in answers depend on it, tokens do not.
    pub clock: Clock,
    /// Who may ask.
    pub verifier: Arc<Verifier>,
    /// The tables.
    pub store: Store,
}

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
    handler: MethodRouter<App>,
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

impl App {
    /// The state of a function with `routes` as the environment describes it, its connections warmed.
    pub async fn from_env(routes: &[Route]) -> Result<Self, lambda_http::Error> {
        let store = Store::from_env(&Config::without_auth()?.tables).await;
        // What is public reads nothing that it could ask for beforehand.
        let warm = async {
            if !is_public(routes) {
                store.warm().await;
            }
        };
        // The first TLS handshakes cost more than the rest of a cold start; here they are paid in the init phase.
        let (configured, ()) = join!(Self::configured(routes), warm);
        let (config, verifier) = configured?;
        Ok(Self { config: Arc::new(config), clock: Clock::system(), verifier: Arc::new(verifier), store })
    }

    async fn configured(routes: &[Route]) -> Result<(Config, Verifier), lambda_http::Error> {
        if is_public(routes) {
            return Ok((Config::without_auth()?, Verifier::without_keys()));
        }
        let config = Config::from_env().await?;
        let auth = config.auth.as_ref().ok_or("no way to verify tokens is configured")?;
        let verifier = Verifier::new(auth)?;
        verifier.warm().await;
        Ok((config, verifier))
    }

    /// Fetches something over days that are counted from today in the organisation's zone, and answers with those
    /// days. What was fetched may hold more days at either end: the caller leaves out what the range does not
    /// contain.
    ///
    /// The zone stands in the registry. Where it is not at hand, data for every "today" that there is on earth is
    /// fetched beside it, rather than after it.
    pub async fn over<T, F: Future<Output = Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Day) -> DayRange,
        fetch: impl FnOnce(DayRange) -> F,
    ) -> Result<(DayRange, T)> {
        let now = self.clock.now();
        let (zone, found) = self.in_zone(org, |zone| range(Day::of(now, zone)), fetch).await?;
        Ok((range(Day::of(now, zone)), found))
    }

    /// The same for days that follow from the organisation's zone in any other way; answers with the zone.
    pub async fn in_zone<T, F: Future<Output = Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Tz) -> DayRange,
        fetch: impl FnOnce(DayRange) -> F,
    ) -> Result<(Tz, T)> {
        if let Some(settings) = self.store.settings_at_hand(org) {
            return Ok((settings.zone, fetch(range(settings.zone)).await?));
        }
        // Of all zones these are the last and the first to begin a day.
        let (last, first) = (Tz::Etc__GMTPlus12, Tz::Etc__GMTMinus14);
        let wide = DayRange { first: range(last).first, last: range(first).last };
        let (settings, found) = try_join!(self.store.settings_cached(org), fetch(wide))?;
        Ok((settings.zone, found))
    }

    /// The service that answers `routes`, and in the documented shape everything else.
    pub fn router(&self, routes: Vec<Route>) -> Router {
        let mut all = Router::new();
        for route in routes {
            let guard = middleware::from_fn_with_state((self.verifier.clone(), route.scope), web::authorize);
            // route_layer: a method that is not there answers 405 to anyone.
            all = all.route(&axum_path(route.path), route.handler.route_layer(guard));
        }
        all.method_not_allowed_fallback(web::method_not_allowed)
            .fallback(web::not_found)
            .layer(middleware::from_fn(logs::request))
            .with_state(self.clone())
    }
}

/// Whether a function asks nobody for a token.
fn is_public(routes: &[Route]) -> bool {
    routes.iter().all(|route| route.scope.is_none())
}

/// A route's path as axum writes it: a last parameter that takes the rest of the path is `{name+}` to API Gateway.
fn axum_path(path: &str) -> Cow<'_, str> {
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

/// Starts a function that answers `routes` behind API Gateway.
pub async fn serve(routes: Vec<Route>) -> Result<(), lambda_http::Error> {
    serve_checked(routes, |_| Ok(())).await
}

/// The same for a function that needs more than every other: it starts only where `check` finds it configured.
pub async fn serve_checked(
    routes: Vec<Route>,
    check: impl FnOnce(&Config) -> Result<(), ConfigError>,
) -> Result<(), lambda_http::Error> {
    lambda_http::run(start(routes, check).await?).await
}

/// The same for a function that counts what it does: each request ends with a line of metrics.
pub async fn serve_counted(function: &'static str, routes: Vec<Route>) -> Result<(), lambda_http::Error> {
    let counting = move |request: Request, next: Next| emf::printed(function, next.run(request));
    let router = start(routes, |_| Ok(())).await?.layer(middleware::from_fn(counting));
    lambda_http::run(router).await
}

async fn start(
    routes: Vec<Route>,
    check: impl FnOnce(&Config) -> Result<(), ConfigError>,
) -> Result<Router, lambda_http::Error> {
    init_logging();
    let app = App::from_env(&routes).await?;
    check(&app.config)?;
    Ok(app.router(routes))
}

/// The time until an invocation's deadline.
#[allow(
    clippy::disallowed_methods,
    reason = "how long a process may still run is no matter of the business clock"
)]
pub fn time_left(deadline: std::time::SystemTime) -> std::time::Duration {
    deadline.duration_since(std::time::SystemTime::now()).unwrap_or_default()
}

/// Structured logs for the whole process, see [`logs`].
pub fn init_logging() {
    logs::init();
}
