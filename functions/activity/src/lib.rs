//! `/api/activity`: the activity log.

mod count;
mod cursor;
pub mod log;
mod page;
mod params;
mod split_range;

use runtime::config::ConfigError;
use runtime::tables::Database;
use store::{Events, Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

/// The tables that this function's role grants.
#[derive(Clone, Debug)]
pub struct Tables {
    pub events: Events,
    pub usage: Usage,
    pub registry: Registry,
}

impl runtime::tables::Tables for Tables {
    fn open(database: &Database) -> Result<Self, ConfigError> {
        Ok(Self { events: database.events()?, usage: database.usage()?, registry: database.registry()? })
    }

    async fn warm(&self) {
        self.registry.warm().await;
    }
}

pub fn routes() -> Vec<Route> {
    vec![log::route()]
}
