//! `/api/usage`: the compute usage of projects.

mod params;
pub mod project;
mod range;
mod report;
mod row;
pub mod totals;
pub mod usage;

use store::{Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![project::route(), totals::route(), usage::route()]
}
