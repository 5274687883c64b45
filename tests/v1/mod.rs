//! `/v1`.

mod billing;
pub mod events;
mod health;
mod metrics;
mod openmetrics;
