//! From JSON to stored events, for every function that receives events.
//!
//! ```text
//! bytes ── body ──▶ JSON ── envelope, data ──▶ draft ── stamp ──▶ event ── insert ──▶ outcome
//! ```
//!
//! [`Batch::store`] does the last three steps for the events of a request.

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
