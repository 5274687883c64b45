//! The deployed system: templates, roles, built functions, and the files that describe them.

mod bootstraps;
mod chains;
mod cold_starts;
mod events;
mod monitoring;
pub mod policies;
mod security;
pub mod versions;
mod watch;
