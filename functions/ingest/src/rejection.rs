//! Why an event was not stored.

use web::error::Fault;

/// The type of the fault of a value that only the system itself may use.
pub const RESERVED: &str = "reserved";

/// Why an event was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The event's `id`, if it has one.
    pub id: Option<String>,
    pub code: RejectionCode,
    /// All faults of the event.
    pub detail: Vec<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// The event is malformed.
    Invalid,
    /// It claims to be what only the system itself stores, such as a change of settings.
    Reserved,
    /// One of its times is too far in the future.
    InFuture,
    /// One of its times is too far in the past.
    TooOld,
    /// An event with the same identity and other content is stored.
    Conflict,
    /// It could not be stored now; worth a retry.
    Unavailable,
}
