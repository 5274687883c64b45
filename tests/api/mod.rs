//! `/api`.

mod activity;
mod agents;
mod alerts;
mod budget;
pub mod cost_analysis;
mod erasures;
mod exports;
mod keys;
mod organization;
mod projects;
mod sessions;
mod tracked_dimensions;
mod usage;
mod workforce;
mod zone_change;
