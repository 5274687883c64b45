//! What every function starts with, whatever triggers it: clock, configuration, logs and metrics.

#![warn(missing_docs)]

pub mod clock;
pub mod config;
pub mod logs;
pub mod metrics;
pub mod secrets;

/// The time until an invocation's deadline.
#[allow(
    clippy::disallowed_methods,
    reason = "how long a process may still run is no matter of the business clock"
)]
pub fn time_left(deadline: std::time::SystemTime) -> std::time::Duration {
    deadline.duration_since(std::time::SystemTime::now()).unwrap_or_default()
}
