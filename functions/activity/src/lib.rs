//! `/api/activity`: the activity log.

mod count;
mod cursor;
mod cut;
pub mod log;
mod page;
mod params;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![log::route()]
}
