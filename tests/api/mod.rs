//! `/api`.

mod activity;
mod agents;
mod alerts;
mod budget;
mod cost_analysis;
mod keys;
mod organization;
mod projects;
mod usage;
mod workforce;
mod zone_change;
