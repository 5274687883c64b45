//! `/v1`.

mod billing;
mod events;
mod metrics;
