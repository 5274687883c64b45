//! `/api/agents/workforce`: the agents' cost compared with the value of their work.

pub mod agents;
mod member;
mod roi;
pub mod summary;
pub mod trends;

use web::route::Route;

pub fn routes() -> Vec<Route> {
    vec![agents::route(), summary::route(), trends::route()]
}
