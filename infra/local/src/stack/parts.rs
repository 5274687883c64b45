//! The functions, put together as their part of the template describes them.

use std::sync::Arc;

use shared::app::{App, Clock, Route};
use shared::auth::Verifier;
use shared::config::{Config, DEFAULT_EVENT_RETENTION_DAYS, TableNames};
use shared::store::Store;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::pump::checkpoint::Checkpoints;
use crate::pump::{Handler, Pump};
use crate::role::Roles;
use crate::template::{Function, Template};
use crate::{sdk, tables, token};

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

    /// The streams that call functions.
    pub async fn pumps(&self, endpoint: &str, engine: Option<&Engine>) -> Result<Vec<Pump>> {
        let client = sdk::streams(endpoint);
        let mut pumps = Vec::new();
        for mapping in &self.template.mappings {
            let Some(function) = self.template.function(&mapping.function_name) else { continue };
            let arn = tables::stream_arn(self.client, &mapping.table).await?;
            let checkpoints = Checkpoints::of(&function.id, engine.map(Engine::file)).await?;
            let handler = self.stream_handler(function)?;
            pumps.push(Pump::new(
                client.clone(),
                arn,
                mapping.clone(),
                function.timeout,
                checkpoints,
                handler,
            ));
        }
        Ok(pumps)
    }

    fn stream_handler(&self, function: &Function) -> Result<Handler> {
        if function.binary != "aggregator" {
            return Err(unknown(&function.binary, "is called by a stream"));
        }
        let store = self.store(function, &self.config(function));
        let aggregator = Arc::new(aggregator::Aggregator::new(store));
        Ok(Arc::new(move |event| {
            let aggregator = aggregator.clone();
            Box::pin(async move { aggregator.handle(event).await })
        }))
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

/// The routes that a binary answers. A new function is added here, or in `stream_handler`.
pub(super) fn routes(binary: &str) -> Result<Vec<Route>> {
    match binary {
        "activity" => Ok(activity::routes()),
        "billing" => Ok(billing::routes()),
        "costs" => Ok(costs::routes()),
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
