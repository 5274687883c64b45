//! `/api`.

mod activity;
mod alerts;
mod cost_analysis;
mod registry;
mod usage;
mod workforce;
