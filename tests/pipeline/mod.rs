//! From the stream to the sums, exactly once.

mod budgets;
mod capacity;
mod delivery;
mod lost_answers;
mod odd_records;
mod progress;
mod quarantine;
mod reconcile;
