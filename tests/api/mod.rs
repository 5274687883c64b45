//! `/api`.

mod activity;
mod cost_analysis;
mod registry;
mod usage;
mod workforce;
