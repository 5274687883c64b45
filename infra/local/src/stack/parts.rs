//! The functions, put together as their part of the template describes them.

use std::sync::Arc;
use std::time::Duration;

use budget_alerts::{BudgetAlerts, Outlets};
use runtime::clock::Clock;
use runtime::config::{Config, DEFAULT_EVENT_RETENTION_DAYS};
use store::Store;
use store::TableNames;
use web::app::App;
use web::auth::Verifier;
use web::route::Route;
use webhook::{Policy, Webhooks};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::lambda::{self, Handler, Lambda};
use crate::pump::Pump;
use crate::pump::checkpoint::Checkpoints;
use crate::role::Roles;
use crate::schedule::Timer;
use crate::template::{Function, Template};
use crate::{tables, token};

/// What the functions are put together from.
pub(super) struct Parts<'a> {
    /// What there is to be.
    pub template: &'a Template,
    /// The way to the tables.
    pub client: &'a aws_sdk_dynamodb::Client,
    /// The business clock.
    pub clock: &'a Clock,
    /// What tokens are signed with.
    pub secret: &'a [u8],
    /// Whether webhooks may go to this machine.
    pub allow_local_webhooks: bool,
    /// What each function may do.
    pub roles: &'a Roles,
}

impl Parts<'_> {
    /// The functions that answer HTTP requests, behind their gateway.
    pub fn gateway(&self) -> Result<Gateway> {
        let verifier = Verifier::new(&token::auth(self.secret));
        let verifier = Arc::new(verifier.map_err(|error| Error::caused("tokens cannot be verified", error))?);
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

    /// The functions that are called with JSON.
    pub fn lambdas(&self) -> Result<Vec<Lambda>> {
        let functions = self.template.functions.iter().filter(|function| function.routes.is_empty());
        functions.map(|function| Ok(Lambda::new(function, self.handler(function)?))).collect()
    }

    /// The clocks that call them.
    pub fn timers(&self, lambdas: &[Lambda], longest_rate: Duration) -> Result<Vec<Timer>> {
        let mut timers = Vec::new();
        for function in &self.template.functions {
            for schedule in &function.schedules {
                let lambda = lambda::find(lambdas, &function.id)
                    .ok_or_else(|| unknown(&function.binary, "is called by a schedule"))?;
                timers.push(Timer::new(lambda.clone(), schedule.clone(), longest_rate));
            }
        }
        Ok(timers)
    }

    /// The streams that call them.
    pub async fn pumps(
        &self,
        lambdas: &[Lambda],
        streams: &aws_sdk_dynamodbstreams::Client,
        engine: Option<&Engine>,
    ) -> Result<Vec<Pump>> {
        let mut pumps = Vec::new();
        for mapping in &self.template.mappings {
            let Some(function) = self.template.function(&mapping.function_name) else { continue };
            let arn = tables::stream_arn(self.client, &mapping.table).await?;
            let checkpoints = Checkpoints::of(&function.id, engine.map(Engine::file)).await?;
            let lambda = lambda::find(lambdas, &function.id)
                .ok_or_else(|| unknown(&function.binary, "is called by a stream"))?;
            pumps.push(Pump::new(
                streams.clone(),
                arn,
                mapping.clone(),
                function.timeout,
                checkpoints,
                lambda.handler().clone(),
            ));
        }
        Ok(pumps)
    }

    /// What answers a function that is called with JSON. A new function is added here, or in [`routes`].
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
                let webhooks = webhooks.map_err(|error| Error::caused("webhooks cannot be sent", error))?;
                let outlets = Outlets::new(webhooks).and_printer(Arc::new(|line| println!("{line}")));
                let alerts = Arc::new(BudgetAlerts::new(store, self.clock.clone(), outlets));
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
            binary => Err(unknown(binary, "is called with JSON")),
        }
    }

    /// The tables as far as the function's role reaches.
    fn store(&self, function: &Function, config: &Config) -> Store {
        Store::new(self.roles.client(&function.binary, self.client), &config.tables)
    }

    /// The configuration that the function's environment spells: of the tables, it is told only its own.
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

/// All tables, as no single function is told them.
pub(super) fn all_tables() -> TableNames {
    TableNames {
        events: tables::table_name("EventsTable"),
        usage: tables::table_name("UsageTable"),
        registry: tables::table_name("RegistryTable"),
    }
}

/// The routes that a binary answers.
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
        _ => Err(unknown(binary, "answers HTTP requests")),
    }
}

fn unknown(binary: &str, what: &str) -> Error {
    Error::new(format!(
        "template.yaml says that {binary} {what}, but the local stack does not know it; see stack/parts.rs"
    ))
}
