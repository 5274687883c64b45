//! Wires the functions to the stand-ins, as the template describes.

use std::sync::Arc;
use std::time::Duration;

use budget_alerts::{BudgetAlerts, Channels};
use runtime::clock::Clock;
use runtime::config::{Config, DEFAULT_EVENT_RETENTION_DAYS};
use store::Store;
use store::TableNames;
use web::app::App;
use web::auth::Verifier;
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

/// What the functions are built from.
pub(super) struct Wiring<'a> {
    pub template: &'a Template,
    pub client: &'a aws_sdk_dynamodb::Client,
    pub clock: &'a Clock,
    pub secret: &'a [u8],
    pub allow_local_webhooks: bool,
    pub roles: &'a Roles,
}

impl Wiring<'_> {
    /// The functions that handle HTTP requests, behind their gateway.
    pub fn gateway(&self) -> Result<Gateway> {
        let verifier = Verifier::new(&token::auth(self.secret));
        let verifier = Arc::new(verifier.map_err(|error| Error::caused("cannot verify tokens", error))?);
        let mut functions = Vec::new();
        for function in self.template.functions.iter().filter(|function| !function.routes.is_empty()) {
            let routes = routes(&function.binary)?;
            let config = self.config(function);
            let app = App {
                store: self.store(function, &config),
                config: Arc::new(config),
                clock: self.clock.clone(),
                verifier: verifier.clone(),
            };
            functions.push((function.clone(), app.router(routes)));
        }
        Ok(Gateway::new(functions))
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

    /// The handler of a function that is invoked with JSON. A new function is added here, or in [`routes`].
    fn handler(&self, function: &Function) -> Result<Handler> {
        let config = self.config(function);
        let store = self.store(function, &config);
        let time_left = function.timeout;
        match function.binary.as_str() {
            "aggregator" => {
                let aggregator = Arc::new(aggregator::Aggregator::new(store));
                Ok(Arc::new(move |event| {
                    let aggregator = aggregator.clone();
                    Box::pin(async move { aggregator.handle(event).await })
                }))
            }
            "budget-alerts" => {
                let webhooks = Webhooks::new(Policy::new(config.allow_local_webhooks));
                let webhooks = webhooks.map_err(|error| Error::caused("cannot send webhooks", error))?;
                let channels = Channels::new(webhooks).with_printer(Arc::new(|line| println!("{line}")));
                let alerts = Arc::new(BudgetAlerts::new(store, self.clock.clone(), channels));
                Ok(Arc::new(move |event| {
                    let alerts = alerts.clone();
                    Box::pin(async move { alerts.handle(event, time_left).await })
                }))
            }
            "reconcile" => {
                let days = config.event_retention_days;
                let reconciler = Arc::new(reconcile::Reconciler::new(store, self.clock.clone(), days));
                Ok(Arc::new(move |event| {
                    let reconciler = reconciler.clone();
                    Box::pin(async move { reconciler.handle(event, time_left).await })
                }))
            }
            binary => Err(unknown(binary, "is invoked with JSON")),
        }
    }

    /// The tables, restricted to what the function's role grants.
    fn store(&self, function: &Function, config: &Config) -> Store {
        Store::new(self.roles.client(&function.binary, self.client), &config.tables)
    }

    /// The configuration from the function's environment variables, which name only the tables that it uses.
    fn config(&self, function: &Function) -> Config {
        let table =
            |name: &str| function.variables.get(name).map(|id| tables::table_name(id)).unwrap_or_default();
        let days = function.variables.get("EVENT_RETENTION_DAYS").and_then(|days| days.parse().ok());
        Config {
            tables: TableNames {
                events: table("EVENTS_TABLE"),
                usage: table("USAGE_TABLE"),
                registry: table("REGISTRY_TABLE"),
            },
            auth: Some(token::auth(self.secret)),
            event_retention_days: days.unwrap_or(DEFAULT_EVENT_RETENTION_DAYS),
            cursor_secret: Some(token::cursor_secret(self.secret)),
            allow_local_webhooks: self.allow_local_webhooks,
            alerts_topic_arn: None,
        }
    }
}

/// All tables, for access on behalf of no function.
pub(super) fn all_tables() -> TableNames {
    TableNames {
        events: tables::table_name("EventsTable"),
        usage: tables::table_name("UsageTable"),
        registry: tables::table_name("RegistryTable"),
    }
}

/// The routes of a binary.
pub(super) fn routes(binary: &str) -> Result<Vec<Route>> {
    match binary {
        "activity" => Ok(activity::routes()),
        "billing" => Ok(billing::routes()),
        "costs" => Ok(costs::routes()),
        "health" => Ok(health::routes()),
        "ingest" => Ok(ingest::routes()),
        "metrics" => Ok(metrics::routes()),
        "registry" => Ok(registry::routes()),
        "usage" => Ok(usage::routes()),
        "workforce" => Ok(workforce::routes()),
        _ => Err(unknown(binary, "handles HTTP requests")),
    }
}

fn unknown(binary: &str, what: &str) -> Error {
    Error::new(format!(
        "template.yaml says that {binary} {what}, but the local stack has no such function; add it to stack/wiring.rs"
    ))
}
