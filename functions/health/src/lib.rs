//! The state of the service and the description of its API. All routes are public.

pub mod docs;
pub mod health;
pub mod openapi;

use store::Usage;

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(usage: Usage);

pub fn routes() -> Vec<Route> {
    vec![docs::route(), health::route(), openapi::route()]
}
