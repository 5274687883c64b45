//! The runtime of every function, whatever triggers it: clock, configuration, secrets, logs and metrics.

#![warn(missing_docs)]

pub mod clock;
pub mod config;
pub mod logs;
pub mod metrics;
pub mod secrets;

/// The time left until the deadline of an invocation, in real time. Zero once it has passed.
#[allow(clippy::disallowed_methods, reason = "Lambda's deadline is in real time, whatever `Clock` says")]
pub fn time_left(deadline: std::time::SystemTime) -> std::time::Duration {
    deadline.duration_since(std::time::SystemTime::now()).unwrap_or_default()
}
