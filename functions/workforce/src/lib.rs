//! `/api/agents/workforce`: the agents' cost compared with the value of their work.

pub mod agents;
mod member;
mod roi;
pub mod summary;
pub mod trends;

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
    vec![agents::route(), summary::route(), trends::route()]
}
