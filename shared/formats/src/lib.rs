//! Translates what other tools report about model calls into the events of `POST /v1/events`.
//!
//! Every format is translated to a [`Translation`]: CloudEvents as JSON, which the parser of `POST /v1/events`
//! validates like any others, the entries that were rejected, and what was seen but is not counted. Entries are
//! independent: a malformed one is rejected alone.
//!
//! Prompts and completions are skipped while parsing wherever the format allows it, and never copied.

mod call;
mod json;
pub mod litellm;
mod models;
pub mod otlp;
mod region;
mod spelling;
mod text;
mod time;
mod tokens;
mod translation;
pub mod usage;

pub use translation::{CallCount, Event, Refusal, Signal, SourceCounts, Translation};

/// The error for a body that cannot be read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);
