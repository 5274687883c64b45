//! `/api/activity`: the activity log.

mod count;
mod cursor;
pub mod log;
mod page;
mod params;
mod split_range;

use store::{Events, Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![log::route()]
}
