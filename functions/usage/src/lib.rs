//! `/api/usage`: the compute usage of projects.

mod params;
pub mod project;
mod range;
mod report;
mod row;
pub mod totals;
pub mod usage;

use web::route::Route;

pub fn routes() -> Vec<Route> {
    vec![project::route(), totals::route(), usage::route()]
}
