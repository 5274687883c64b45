//! `/v1/billing`: the plan, and what was used of it. What the plan is, is set through the registry.

mod account;
pub mod billing;
mod period;
mod trial;
pub mod trial_status;
pub mod usage;
pub mod usage_chart;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![billing::route(), trial_status::route(), usage::route(), usage_chart::route()]
}
