//! `/api/cost-analysis`: what a month cost, by whom and on what, and how it could cost less.
//!
//! What holds for every endpoint of a period: it is the current calendar month of the organisation, or the `month`
//! that is asked for. Any month may be asked for; one without usage has zeros. Names, statuses and budgets are those
//! of today, since the registry keeps no others.

pub mod agents;
pub mod budget_alerts;
pub mod by_model;
pub mod by_provider;
mod names;
mod params;
pub mod pricing;
mod providers;
pub mod recommendations;
mod spending;
pub mod summary;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![
        agents::route(),
        budget_alerts::route(),
        by_model::route(),
        by_provider::route(),
        pricing::route(),
        recommendations::route(),
        summary::route(),
    ]
}
