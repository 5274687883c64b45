//! Why something was not delivered, and whether trying again can help.

use std::time::Duration;

/// What to do about a message that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again, the receiver may be better by then.
    Again {
        /// The least time that the receiver asked to be left alone: a hint, which may be hours.
        after: Option<Duration>,
    },
    /// Trying this message again cannot help.
    GiveUp,
    /// The receiver wants no more messages at all (410 Gone): its destination should be switched off.
    Gone,
}

/// A message that was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// Whether trying again can help.
    pub verdict: Verdict,
    /// What the receiver answered, where it did.
    pub status: Option<u16>,
    /// What happened, for the person who looks at it: one line of at most 300 characters, without secrets or the
    /// path and query of a URL.
    pub detail: String,
}

impl Failure {
    /// A message that cannot be sent, now or later.
    pub const fn for_good(detail: String) -> Self {
        Self { verdict: Verdict::GiveUp, status: None, detail }
    }
}
