//! The errors of the store. [`Display`](std::fmt::Display) is for the log; the HTTP edge decides what a caller of the
//! API sees.

/// The result of a call to the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call to the store that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The item to be changed does not exist. The text may be shown to the caller.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The state of an item forbids the change. The text may be shown to the caller.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The item's version is not one that the caller's `If-Match` names.
    #[error("precondition failed")]
    PreconditionFailed,
    /// DynamoDB throttled the call, timed out, or could not be reached. The same call may succeed later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The call will not succeed: an item cannot be decoded, a right is missing, a request is malformed.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// [`Error::Internal`] with the text of `source`.
    pub fn internal(source: impl std::fmt::Display) -> Self {
        Self::Internal(source.to_string())
    }
}
