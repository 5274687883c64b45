//! What is set: organisation, agents, projects, budget, subscription, own prices, alert destinations.
//!
//! What holds for every route here:
//!
//! - A PUT replaces the whole thing and answers it back. What only reads tell (`id`, `etag`, when it was seen) may be
//!   sent back with it and is passed over, so that what a GET answered can be changed and PUT.
//! - A read gives the thing's version in the `ETag` header and as `etag`; sent as `If-Match` it makes a write
//!   conditional. It is the version of what was set: what events tell beside it may change without it.
//! - A write and the `config_change` entry about it are one transaction. What changes nothing writes nothing, and
//!   leaves no entry.

pub mod agent;
pub mod agents;
pub mod alerts;
mod answer;
mod body;
pub mod budget;
pub mod destination;
pub mod destination_test;
pub mod destinations;
mod edit;
mod input;
pub mod organization;
pub mod price;
pub mod project;
pub mod projects;
pub mod redeliver;
pub mod subscription;

use web::route::Route;

/// The routes of this function.
pub fn routes() -> Vec<Route> {
    let one_each = [
        agents::route(),
        alerts::route(),
        destination_test::route(),
        destinations::route(),
        projects::route(),
        redeliver::route(),
    ];
    let several = [
        agent::routes(),
        budget::routes(),
        destination::routes(),
        organization::routes(),
        price::routes(),
        project::routes(),
        subscription::routes(),
    ];
    one_each.into_iter().chain(several.into_iter().flatten()).collect()
}
