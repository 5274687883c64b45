//! What a function is made of: its configuration, clock, token verifier and store, and the router built of routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use chrono_tz::Tz;
use futures::{join, try_join};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};
use runtime::clock::Clock;
use runtime::config::{Config, ConfigError};
use runtime::metrics;
use store::Store;

use crate::auth::Verifier;
use crate::caller;
use crate::logs;
use crate::route::{Route, axum_path};

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
    pub async fn over<T, F: Future<Output = store::Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Day) -> DayRange,
        fetch: impl FnOnce(DayRange) -> F,
    ) -> store::Result<(DayRange, T)> {
        let now = self.clock.now();
        let (zone, found) = self.in_zone(org, |zone| range(Day::of(now, zone)), fetch).await?;
        Ok((range(Day::of(now, zone)), found))
    }

    /// The same for days that follow from the organisation's zone in any other way; answers with the zone.
    pub async fn in_zone<T, F: Future<Output = store::Result<T>>>(
        &self,
        org: &OrgId,
        range: impl Fn(Tz) -> DayRange,
        fetch: impl FnOnce(DayRange) -> F,
    ) -> store::Result<(Tz, T)> {
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
            let guard =
                middleware::from_fn_with_state((self.verifier.clone(), route.scope), caller::authorize);
            // route_layer: a method that is not there answers 405 to anyone.
            all = all.route(&axum_path(route.path), route.handler.route_layer(guard));
        }
        all.method_not_allowed_fallback(caller::method_not_allowed)
            .fallback(caller::not_found)
            .layer(middleware::from_fn(logs::request))
            .with_state(self.clone())
    }
}

/// Whether a function asks nobody for a token.
fn is_public(routes: &[Route]) -> bool {
    routes.iter().all(|route| route.scope.is_none())
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
    let counting = move |request: Request, next: Next| metrics::printed(function, next.run(request));
    let router = start(routes, |_| Ok(())).await?.layer(middleware::from_fn(counting));
    lambda_http::run(router).await
}

async fn start(
    routes: Vec<Route>,
    check: impl FnOnce(&Config) -> Result<(), ConfigError>,
) -> Result<Router, lambda_http::Error> {
    runtime::logs::init();
    let app = App::from_env(&routes).await?;
    check(&app.config)?;
    Ok(app.router(routes))
}
