//! `/v1/billing`: the plan and its usage. The registry function sets the plan.

mod account;
pub mod billing;
mod period;
mod trial;
pub mod trial_status;
pub mod usage;
pub mod usage_chart;

use runtime::config::ConfigError;
use runtime::tables::Database;
use store::{Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

/// The tables that this function's role grants.
#[derive(Clone, Debug)]
pub struct Tables {
    pub usage: Usage,
    pub registry: Registry,
}

impl runtime::tables::Tables for Tables {
    fn open(database: &Database) -> Result<Self, ConfigError> {
        Ok(Self { usage: database.usage()?, registry: database.registry()? })
    }

    async fn warm(&self) {
        self.registry.warm().await;
    }
}

pub fn routes() -> Vec<Route> {
    vec![billing::route(), trial_status::route(), usage::route(), usage_chart::route()]
}
