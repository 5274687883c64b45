//! `/api/agents/workforce`: what agents cost beside what they are worth.

pub mod agents;
mod month;
mod roi;
pub mod summary;
pub mod trends;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![agents::route(), summary::route(), trends::route()]
}
