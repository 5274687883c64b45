//! What can go wrong in the store. [`Display`](std::fmt::Display) is for the log; what a caller of the API is told is
//! the business of the HTTP edge.

/// The result of a call to the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call to the store that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such item.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The state of an item forbids the change. The text may be shown to the caller.
    #[error("conflict: {0}")]
    Conflict(String),
    /// An item changed since the version that the caller named.
    #[error("precondition failed")]
    PreconditionFailed,
    /// DynamoDB cannot answer now; trying again may help.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Anything else, such as an item that cannot be read.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// An internal error, from whatever revealed it.
    pub fn internal(source: impl std::fmt::Display) -> Self {
        Self::Internal(source.to_string())
    }
}
