//! `/api/activity`: the activity log.

mod count;
mod cursor;
pub mod log;
mod page;
mod params;
mod split_range;

use web::route::Route;

pub fn routes() -> Vec<Route> {
    vec![log::route()]
}
