//! Failed deliveries, and whether a retry can help.

use std::time::Duration;

/// What to do after a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAdvice {
    /// Retry later: the cause may be temporary.
    Retry {
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
pub struct DeliveryFailure {
    /// Whether a retry can help.
    pub advice: RetryAdvice,
    /// The HTTP status of the response, if there was one.
    pub status: Option<u16>,
    /// What happened, for a person: one line of at most 300 characters. It contains no secrets and no path or query
    /// of a URL.
    pub detail: String,
}

impl DeliveryFailure {
    /// A failure that no retry can fix, of a message that was not sent.
    pub const fn permanent(detail: String) -> Self {
        Self { advice: RetryAdvice::GiveUp, status: None, detail }
    }
}
