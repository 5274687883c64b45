//! Replays what real packages sent (see `tests/intake/record`) and compares every event with what the canned providers
//! billed, derived by hand from `tests/intake/record/canned.json`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod coding_agents;
mod litellm;
mod otlp;
mod recorded;
