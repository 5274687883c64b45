//! How the system is, for anyone who asks.

pub mod health;

use shared::app::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    vec![health::route()]
}
