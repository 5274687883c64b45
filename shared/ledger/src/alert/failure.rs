//! Failed deliveries, and whether a retry can help.

use std::time::Duration;

/// What to do after a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Retry later: the cause may be temporary.
    Again {
        /// The minimum wait that the receiver requested (`Retry-After`), which may be hours.
        after: Option<Duration>,
    },
    /// A retry of this message cannot succeed.
    GiveUp,
    /// The receiver asked for no more messages at all (410 Gone): stop sending to this destination.
    Gone,
}

/// A failed delivery of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// Whether a retry can help.
    pub verdict: Verdict,
    /// The HTTP status of the response, if there was one.
    pub status: Option<u16>,
    /// What happened, for a person: one line of at most 300 characters. It contains no secrets and no path or query
    /// of a URL.
    pub detail: String,
}

impl Failure {
    /// A failure that no retry can fix, of a message that was not sent.
    pub const fn permanent(detail: String) -> Self {
        Self { verdict: Verdict::GiveUp, status: None, detail }
    }
}
