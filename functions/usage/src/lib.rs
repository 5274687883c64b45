//! `/api/usage`: the compute that projects used.

mod params;
pub mod project;
mod range;
mod report;
mod row;
pub mod totals;
pub mod usage;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![project::route(), totals::route(), usage::route()]
}
