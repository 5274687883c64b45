//! `/api/cost-analysis`: the cost of a month by agent, model and provider, and how to lower it.
//!
//! Unless stated otherwise an endpoint covers one calendar month in the organization's zone: the current one, or
//! `month`. A month without usage has zeros. Names, statuses and budgets are today's, since the registry keeps no
//! history.

pub mod agents;
mod bounded;
pub mod budget_alerts;
pub mod by_model;
pub mod by_provider;
mod model_names;
mod params;
pub mod pricing;
pub mod query;
mod range;
mod raw_events;
pub mod recommendations;
pub mod session;
pub mod sessions;
mod spending;
pub mod summary;
pub mod unpriced;

use store::{Events, Registry, Usage};

type App = web::app::App<Tables>;
type Route = web::route::Route<Tables>;

runtime::tables!(events: Events, usage: Usage, registry: Registry; warm registry);

pub fn routes() -> Vec<Route> {
    vec![
        agents::route(),
        budget_alerts::route(),
        by_model::route(),
        by_provider::route(),
        pricing::route(),
        query::route(),
        recommendations::route(),
        session::route(),
        sessions::route(),
        summary::route(),
        unpriced::route(),
    ]
}
