//! `POST /v1/events`.

mod body;
mod data;
mod envelope;
pub mod events;
mod insert;

use shared::app::Route;

pub fn routes() -> Vec<Route> {
    vec![events::route()]
}
