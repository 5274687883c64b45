//! The state of the service and the description of its API. All routes are public.

pub mod docs;
pub mod health;
pub mod openapi;

use web::route::Route;

pub fn routes() -> Vec<Route> {
    vec![docs::route(), health::route(), openapi::route()]
}
