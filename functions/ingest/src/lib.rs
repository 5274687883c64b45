//! `POST /v1/events`.

mod body;
mod data;
mod envelope;
pub mod events;
mod insert;
mod rejection;
mod stamp;

use web::route::Route;

pub fn routes() -> Vec<Route> {
    vec![events::route()]
}
