//! `/v1/metrics`: an organization's usage over the last days.

pub mod instances;
pub mod models;
mod params;
pub mod summary;
pub mod usage;

use web::route::Route;

pub fn routes() -> Vec<Route> {
    vec![instances::route(), models::route(), summary::route(), usage::route()]
}
