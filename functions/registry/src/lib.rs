//! The registry of settings: organization, agents, projects, budget, subscription, own prices, repricing, alert
//! destinations and keys.
//!
//! For every route:
//!
//! - PUT replaces the whole resource and returns it. A response can be edited and sent back: its `etag` is a
//!   precondition like `If-Match`, its `id` has to match the path, and other fields that only responses have are
//!   ignored.
//! - GET returns the version in the `ETag` header and as `etag`. Sent as `If-Match`, it makes a write conditional. It
//!   is the version of the settings: it does not change when events report something new about a resource.
//! - A write and its `config_change` entry are one transaction. A write that changes nothing stores nothing and
//!   leaves no entry.

pub mod agent;
pub mod agents;
pub mod alert_rule;
pub mod alert_rules;
pub mod alerts;
pub mod backfill;
pub mod budget;
pub mod destination;
pub mod destination_test;
pub mod destinations;
mod edit;
pub mod erasure;
pub mod keys;
mod limits;
mod list;
pub mod organization;
pub mod price;
pub mod project;
pub mod projects;
pub mod redeliver;
pub mod reprice;
mod reserved;
mod response;
pub mod subscription;
mod update;

use store::{Events, Registry};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    let one_each = [
        agents::route(),
        alert_rules::route(),
        alerts::route(),
        destination_test::route(),
        destinations::route(),
        projects::route(),
        redeliver::route(),
    ];
    let several = [
        agent::routes(),
        alert_rule::routes(),
        backfill::routes(),
        budget::routes(),
        destination::routes(),
        erasure::routes(),
        keys::routes(),
        organization::routes(),
        price::routes(),
        project::routes(),
        reprice::routes(),
        subscription::routes(),
    ];
    one_each.into_iter().chain(several.into_iter().flatten()).collect()
}
