//! From the stream to the rollups, exactly once; budgets and reconciliation at scale.

mod budgets;
mod capacity;
mod delivery;
mod lost_responses;
mod malformed_records;
mod progress;
mod quarantine;
mod reconcile;
mod surplus;
