//! `POST /v1/events`.

mod binary;
mod body;
pub mod events;

use store::{Events, Registry, Sources};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, registry: Registry, sources: Sources; warm registry);

pub fn routes() -> Vec<Route> {
    vec![events::route()]
}
