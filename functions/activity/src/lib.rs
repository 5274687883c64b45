//! `/api/activity`: the activity log.

mod count;
mod cursor;
mod cut;
pub mod log;
mod page;
mod params;

use shared::app::Route;

pub fn routes() -> Vec<Route> {
    vec![log::route()]
}
