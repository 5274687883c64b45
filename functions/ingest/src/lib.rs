//! `POST /v1/events`.

mod binary;
mod body;
mod data;
mod envelope;
pub mod events;
mod insert;
mod rejection;
mod stamp;

use store::{Events, Registry};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![events::route()]
}
