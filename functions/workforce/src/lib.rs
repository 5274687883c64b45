//! `/api/agents/workforce`: the agents' cost compared with the value of their work.

pub mod agents;
mod member;
mod roi;
pub mod summary;
pub mod trends;

use store::{Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![agents::route(), summary::route(), trends::route()]
}
