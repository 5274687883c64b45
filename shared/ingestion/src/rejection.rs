//! What a response says about events that were not stored, or not in full.

use serde::Serialize;
use web::error::Fault;

/// The fault type for a value that only the system itself may use.
pub const RESERVED: &str = "reserved";

/// The reasons for rejecting an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The event's `id`, if it has one.
    pub id: Option<String>,
    pub code: RejectionCode,
    /// All faults of the event.
    pub detail: Vec<Fault>,
}

/// An event that was not stored.
#[derive(Debug, Serialize)]
pub struct Rejected {
    /// Position in the request, from 0.
    pub index: usize,
    /// The event's `id`, if it has one.
    pub id: Option<String>,
    pub code: RejectionCode,
    /// Whether sending the same event again may succeed.
    pub retryable: bool,
    pub detail: Vec<Fault>,
}

/// A problem that did not keep an event from being stored.
#[derive(Debug, Serialize)]
pub struct Warning {
    /// Position in the request, from 0.
    pub index: usize,
    #[serde(flatten)]
    pub fault: Fault,
}

impl Rejected {
    pub fn new(index: usize, rejection: Rejection) -> Self {
        let retryable = rejection.code == RejectionCode::Unavailable;
        Self { index, id: rejection.id, code: rejection.code, retryable, detail: rejection.detail }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// The event is malformed.
    Invalid,
    /// The event claims to be one that only the system itself stores, such as a change of settings.
    Reserved,
    /// One of its times is too far in the future.
    InFuture,
    /// One of its times is too far in the past.
    TooOld,
    /// An event with the same identity and other content is stored.
    Conflict,
    /// An event with the same identity and a higher revision is stored.
    Superseded,
    /// It could not be stored at this time. A retry may help.
    Unavailable,
}
