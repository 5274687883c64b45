//! `/v1`.

mod events;
mod metrics;
