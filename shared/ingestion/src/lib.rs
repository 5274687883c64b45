//! Turns JSON into stored events, for all functions that receive events.
//!
//! ```text
//! bytes ── body ──▶ JSON ── envelope, data ──▶ draft ── stamp ──▶ event ── insert ──▶ outcome
//! ```
//!
//! [`Batch::store`] does the steps after decompression for all events of a request.

mod amend;
mod attribution;
mod batch;
pub mod body;
mod data;
mod envelope;
mod insert;
mod midnight;
mod rejection;
mod sources;
mod stamp;
mod work;

pub use batch::{Batch, Entry, EntryOutcome, OutcomeKind, PricedCall, Results};
pub use rejection::{Rejected, Rejection, RejectionCode, Warning};
pub use sources::SourceReports;
