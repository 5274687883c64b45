//! `/v1/metrics`: an organization's usage over the last days.

pub mod instances;
pub mod models;
mod params;
pub mod summary;
pub mod usage;

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
    vec![instances::route(), models::route(), summary::route(), usage::route()]
}
