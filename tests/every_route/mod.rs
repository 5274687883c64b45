//! Tests that walk all routes, so that a new route cannot be forgotten.

mod audit_log;
mod complete_through;
mod conditional_writes;
mod ids;
mod isolation;
mod lists;
mod logs;
mod openapi;
mod random_settings;
mod read_costs;
mod reads_of_fleets;
mod responses;
pub mod routes;
mod settings_isolation;
mod tables;
pub mod walk;
