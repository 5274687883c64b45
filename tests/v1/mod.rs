//! `/v1`.

mod billing;
mod events;
mod health;
mod metrics;
mod openmetrics;
