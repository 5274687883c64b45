//! Taking in: `POST /v1/events`.

mod body;
mod data;
mod envelope;
pub mod events;
mod insert;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![events::route()]
}
