//! The state of the service and the description of its API. All routes are public.

pub mod docs;
pub mod health;
pub mod openapi;

use runtime::config::ConfigError;
use runtime::tables::Database;
use store::Usage;

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

/// The tables that this function's role grants.
#[derive(Clone, Debug)]
pub struct Tables {
    pub usage: Usage,
}

impl runtime::tables::Tables for Tables {
    fn open(database: &Database) -> Result<Self, ConfigError> {
        Ok(Self { usage: database.usage()? })
    }
}

pub fn routes() -> Vec<Route> {
    vec![docs::route(), health::route(), openapi::route()]
}
