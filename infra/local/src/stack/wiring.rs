//! Wires the functions to the stand-ins, as the template describes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use budget_alerts::{BudgetAlerts, Channels};
use runtime::clock::Clock;
use runtime::config::{AuthConfig, Config, DEFAULT_EVENT_RETENTION_DAYS, SignIn};
use runtime::tables::{Database, TableNames, Tables};
use store::Connection;
use web::app::App;
use web::auth::{ApiKeys, Verifier};
use web::freshness::Freshness;
#[cfg(test)]
use web::route::Endpoint;
use web::route::Route;
use webhook::{Policy, Webhooks};

use crate::aws::engine::Engine;
use crate::aws::gateway::Gateway;
use crate::aws::invoke::{self, Handler, Lambda};
use crate::aws::role::Roles;
use crate::aws::scheduler::Timer;
use crate::aws::stream::StreamPoller;
use crate::aws::stream::checkpoint::Checkpoints;
use crate::aws::tables;
use crate::error::{Error, Result};
use crate::template::{Function, Template};
use crate::token;

/// The parts that the functions are built from.
pub(super) struct Wiring<'a> {
    pub template: &'a Template,
    pub client: &'a aws_sdk_dynamodb::Client,
    pub streams: &'a aws_sdk_dynamodbstreams::Client,
    /// The folder that stands in for the bucket of exported files.
    pub exports: &'a Path,
    pub clock: &'a Clock,
    pub secret: &'a [u8],
    pub auth: &'a AuthConfig,
    pub allow_local_webhooks: bool,
    pub sign_in: &'a Option<SignIn>,
    pub roles: &'a Roles,
}

impl Wiring<'_> {
    /// The functions that handle HTTP requests, behind their gateway.
    pub fn gateway(&self) -> Result<Gateway> {
        let verifier = Verifier::new(self.auth);
        let verifier = Arc::new(verifier.map_err(|error| Error::caused("cannot verify tokens", error))?);
        let mut functions = Vec::new();
        for function in self.template.functions.iter().filter(|function| !function.routes.is_empty()) {
            functions.push((function.clone(), self.router(function, &verifier)?));
        }
        Ok(Gateway::new(functions))
    }

    /// The router of a function. A new function is added here, or in [`Self::handler`].
    fn router(&self, function: &Function, verifier: &Arc<Verifier>) -> Result<Router> {
        match function.binary.as_str() {
            "activity" => self.serve(function, verifier, activity::routes()),
            "billing" => self.serve(function, verifier, billing::routes()),
            "console" => self.serve(function, verifier, console::routes()),
            "costs" => self.serve(function, verifier, costs::routes()),
            "exports" => self.serve(function, verifier, exports::routes()),
            "health" => self.serve(function, verifier, health::routes()),
            "ingest" => self.serve(function, verifier, ingest::routes()),
            "intake" => self.serve(function, verifier, intake::routes()),
            "metrics" => self.serve(function, verifier, metrics::routes()),
            "registry" => self.serve(function, verifier, registry::routes()),
            "usage" => self.serve(function, verifier, usage::routes()),
            "workforce" => self.serve(function, verifier, workforce::routes()),
            binary => Err(unknown(binary, "handles HTTP requests")),
        }
    }

    fn serve<T: Tables>(
        &self,
        function: &Function,
        verifier: &Arc<Verifier>,
        routes: Vec<Route<T>>,
    ) -> Result<Router> {
        let config = self.config(function);
        let app = App {
            tables: self.tables::<T>(function, &config)?,
            keys: Arc::new(ApiKeys::new(self.database(function, &config).registry().ok())),
            freshness: Arc::new(Freshness::new(self.database(function, &config).usage().ok())),
            config: Arc::new(config),
            clock: self.clock.clone(),
            verifier: verifier.clone(),
        };
        Ok(app.router(routes))
    }

    /// The functions that are invoked with JSON.
    pub fn lambdas(&self) -> Result<Vec<Lambda>> {
        let functions = self.template.functions.iter().filter(|function| function.routes.is_empty());
        functions.map(|function| Ok(Lambda::new(function, self.handler(function)?))).collect()
    }

    /// The schedules that invoke them.
    pub fn timers(&self, lambdas: &[Lambda], longest_rate: Duration) -> Result<Vec<Timer>> {
        let mut timers = Vec::new();
        for function in &self.template.functions {
            for schedule in &function.schedules {
                let lambda = invoke::find(lambdas, &function.id)
                    .ok_or_else(|| unknown(&function.binary, "is invoked by a schedule"))?;
                timers.push(Timer::new(lambda.clone(), schedule.clone(), longest_rate));
            }
        }
        Ok(timers)
    }

    /// The streams that invoke them.
    pub async fn pollers(
        &self,
        lambdas: &[Lambda],
        streams: &aws_sdk_dynamodbstreams::Client,
        engine: Option<&Engine>,
    ) -> Result<Vec<StreamPoller>> {
        let mut pollers = Vec::new();
        for mapping in &self.template.mappings {
            let Some(function) = self.template.function(&mapping.function_name) else { continue };
            let arn = tables::stream_arn(self.client, &mapping.table).await?;
            let checkpoints = Checkpoints::of(&function.id, engine.map(Engine::file)).await?;
            let lambda = invoke::find(lambdas, &function.id)
                .ok_or_else(|| unknown(&function.binary, "is invoked by a stream"))?;
            pollers.push(StreamPoller::new(
                streams.clone(),
                arn,
                mapping.clone(),
                function.timeout,
                checkpoints,
                lambda.handler().clone(),
            ));
        }
        Ok(pollers)
    }

    /// The handler of a function that is invoked with JSON. A new function is added here, or in [`Self::router`].
    fn handler(&self, function: &Function) -> Result<Handler> {
        let config = self.config(function);
        let time_left = function.timeout;
        match function.binary.as_str() {
            "aggregator" => {
                let aggregator = Arc::new(aggregator::Aggregator::new(
                    self.tables(function, &config)?,
                    self.clock.clone(),
                ));
                Ok(Arc::new(move |event| {
                    let aggregator = aggregator.clone();
                    Box::pin(async move { aggregator.handle(event).await })
                }))
            }
            "budget-alerts" => {
                let webhooks = Webhooks::new(Policy::new(config.allow_local_webhooks));
                let webhooks = webhooks.map_err(|error| Error::caused("cannot send webhooks", error))?;
                let channels = Channels::new(webhooks).with_printer(Arc::new(|line| println!("{line}")));
                let alerts = Arc::new(BudgetAlerts::new(
                    self.tables(function, &config)?,
                    self.clock.clone(),
                    channels,
                ));
                Ok(Arc::new(move |event| {
                    let alerts = alerts.clone();
                    Box::pin(async move { alerts.handle(event, time_left).await })
                }))
            }
            "completeness" => {
                let events = config.tables.events.clone();
                let events = events.ok_or_else(|| unknown("completeness", "has no EVENTS_TABLE"))?;
                let completeness = Arc::new(completeness::Completeness::new(
                    self.tables(function, &config)?,
                    self.streams.clone(),
                    events,
                    self.clock.clone(),
                ));
                Ok(Arc::new(move |_| {
                    let completeness = completeness.clone();
                    Box::pin(async move { completeness.handle().await })
                }))
            }
            "exporter" => {
                let exporter = Arc::new(exporter::Exporter::new(
                    self.tables(function, &config)?,
                    exporter::Place::Folder(self.exports.to_owned()),
                    self.clock.clone(),
                    config.event_retention_days,
                ));
                Ok(Arc::new(move |_| {
                    let exporter = exporter.clone();
                    Box::pin(async move { exporter.handle(time_left).await })
                }))
            }
            "reconcile" => {
                let days = config.event_retention_days;
                let reconciler = Arc::new(reconcile::Reconciler::new(
                    self.tables(function, &config)?,
                    self.clock.clone(),
                    days,
                ));
                Ok(Arc::new(move |event| {
                    let reconciler = reconciler.clone();
                    Box::pin(async move { reconciler.handle(event, time_left).await })
                }))
            }
            binary => Err(unknown(binary, "is invoked with JSON")),
        }
    }

    /// The tables, restricted to what the function's role grants.
    fn tables<T: Tables>(&self, function: &Function, config: &Config) -> Result<T> {
        T::open(&self.database(function, config))
            .map_err(|error| Error::caused("cannot open the tables", error))
    }

    /// The tables, as the function's role may use them.
    fn database(&self, function: &Function, config: &Config) -> Database {
        let connection = Connection::new(self.roles.client(&function.binary, self.client));
        Database::new(connection, config.tables.clone())
    }

    /// The configuration from the function's environment variables, which name only the tables that it uses.
    fn config(&self, function: &Function) -> Config {
        let table = |name: &str| function.variables.get(name).map(|id| tables::table_name(id));
        let days = function.variables.get("EVENT_RETENTION_DAYS").and_then(|days| days.parse().ok());
        Config {
            tables: TableNames {
                events: table("EVENTS_TABLE"),
                usage: table("USAGE_TABLE"),
                registry: table("REGISTRY_TABLE"),
            },
            auth: Some(self.auth.clone()),
            event_retention_days: days.unwrap_or(DEFAULT_EVENT_RETENTION_DAYS),
            cursor_secret: Some(token::cursor_secret(self.secret)),
            allow_local_webhooks: self.allow_local_webhooks,
            alerts_topic_arn: None,
            export_bucket: None,
            sign_in: self.sign_in.clone(),
        }
    }
}

/// The endpoints of a binary. A new function is added here too.
#[cfg(test)]
pub(super) fn endpoints(binary: &str) -> Result<Vec<Endpoint>> {
    fn of<T>(routes: Vec<Route<T>>) -> Vec<Endpoint> {
        routes.into_iter().map(Endpoint::from).collect()
    }
    match binary {
        "activity" => Ok(of(activity::routes())),
        "billing" => Ok(of(billing::routes())),
        "console" => Ok(of(console::routes())),
        "costs" => Ok(of(costs::routes())),
        "exports" => Ok(of(exports::routes())),
        "health" => Ok(of(health::routes())),
        "ingest" => Ok(of(ingest::routes())),
        "intake" => Ok(of(intake::routes())),
        "metrics" => Ok(of(metrics::routes())),
        "registry" => Ok(of(registry::routes())),
        "usage" => Ok(of(usage::routes())),
        "workforce" => Ok(of(workforce::routes())),
        _ => Err(unknown(binary, "handles HTTP requests")),
    }
}

fn unknown(binary: &str, what: &str) -> Error {
    Error::new(format!(
        "template.yaml says that {binary} {what}, but the local stack has no such function; add it to stack/wiring.rs"
    ))
}
