//! Accepts reports of other tools as events: OTLP, LiteLLM, and providers' own responses.
//!
//! The crate `formats` translates them. Then their events are handled like those of `POST /v1/events`.

pub mod litellm;
pub mod otlp;
mod request;
pub mod sources;
pub mod usage;

use store::{Events, Registry, Sources};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, registry: Registry, sources: Sources; warm registry);

pub fn routes() -> Vec<Route> {
    let mut routes = otlp::routes();
    routes.push(litellm::route());
    routes.push(sources::route());
    routes.extend(usage::routes());
    routes
}
