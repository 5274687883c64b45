//! `/api/usage`: the compute usage of projects.

mod params;
pub mod project;
mod range;
mod report;
mod row;
pub mod totals;
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
    vec![project::route(), totals::route(), usage::route()]
}
