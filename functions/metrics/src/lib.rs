//! `/v1/metrics`: an organization's usage over the last days.

pub mod instances;
pub mod models;
mod params;
pub mod summary;
pub mod usage;

use store::{Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![instances::route(), models::route(), summary::route(), usage::route()]
}
