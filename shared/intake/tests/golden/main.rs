//! Replays what real packages sent (see `tests/intake/record`) and compares every event with what the canned providers
//! billed, derived by hand from `tests/intake/record/canned.py`.

mod coding_agents;
mod litellm;
mod otlp;
mod recorded;
