//! Files for other tools: FOCUS for FinOps, OCSF for security, OpenMetrics for monitoring.

pub mod files;
pub mod focus;
pub mod ocsf;
pub mod openmetrics;
mod page;

use store::{Events, Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![focus::route(), ocsf::route(), openmetrics::route()]
}
