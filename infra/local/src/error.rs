//! What can go wrong while the stack starts or runs: one sentence for the person at the terminal.

use std::fmt::{self, Display};

/// The result of anything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A sentence that says what failed and, after a colon, why.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// An error of its own.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// What failed, and the error that made it fail with all that lies under it.
    pub fn caused(what: impl Display, cause: impl std::error::Error) -> Self {
        let mut message = format!("{what}: {cause}");
        let mut below = cause.source();
        while let Some(error) = below {
            let text = error.to_string();
            // Many errors repeat what lies under them in their own text.
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            below = error.source();
        }
        Self(message)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
