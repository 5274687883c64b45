//! `/v1/billing`: the plan and its usage. The registry function sets the plan.

mod account;
pub mod billing;
mod period;
mod trial;
pub mod trial_status;
pub mod usage;
pub mod usage_chart;

use store::{Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![billing::route(), trial_status::route(), usage::route(), usage_chart::route()]
}
