//! `/v1/metrics`: what an organisation used in the last days.

pub mod instances;
pub mod models;
mod params;
pub mod summary;
pub mod usage;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![instances::route(), models::route(), summary::route(), usage::route()]
}
