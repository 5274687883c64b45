//! The error of the local stack: one sentence for the person at the terminal.

use std::fmt::{self, Display};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what failed and, after a colon, why.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// `what` failed because of `cause`. The text includes the sources of `cause`.
    pub fn caused(what: impl Display, cause: impl std::error::Error) -> Self {
        let mut message = format!("{what}: {cause}");
        let mut source = cause.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Many errors already repeat their source in their own text.
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            source = error.source();
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
