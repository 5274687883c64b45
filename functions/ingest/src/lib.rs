//! `POST /v1/events`.

mod body;
mod data;
mod envelope;
pub mod events;
mod insert;
mod rejection;
mod stamp;

use runtime::config::ConfigError;
use runtime::tables::Database;
use store::{Events, Registry};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

/// The tables that this function's role grants.
#[derive(Clone, Debug)]
pub struct Tables {
    pub events: Events,
    pub registry: Registry,
}

impl runtime::tables::Tables for Tables {
    fn open(database: &Database) -> Result<Self, ConfigError> {
        Ok(Self { events: database.events()?, registry: database.registry()? })
    }

    async fn warm(&self) {
        self.registry.warm().await;
    }
}

pub fn routes() -> Vec<Route> {
    vec![events::route()]
}
