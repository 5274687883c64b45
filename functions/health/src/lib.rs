//! How the system is and what it can be asked, for anyone who asks.

pub mod docs;
pub mod health;
pub mod openapi;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![docs::route(), health::route(), openapi::route()]
}
