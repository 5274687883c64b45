//! Identifiers. All share one alphabet, so that none can hold the separator of a table key.

use std::fmt;

/// Stands between the parts of keys. No identifier holds it.
pub const SEPARATOR: char = '#';

use serde::{Deserialize, Serialize};

/// The longest identifier, in characters (all of them ASCII, so in bytes too).
pub const MAX_LEN: usize = 128;

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Empty, or longer than [`MAX_LEN`].
    #[error("Id should have 1 to 128 characters")]
    Length,
    /// Holds a character outside the alphabet.
    #[error("Id should only contain the characters A-Z a-z 0-9 . _ : / @ -")]
    Alphabet,
}

/// Checks `text` against the rule for every identifier: 1 to 128 of `A-Z a-z 0-9 . _ : / @ -`.
pub fn check(text: &str) -> Result<(), InvalidId> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/@-".contains(&b)) {
        return Err(InvalidId::Alphabet);
    }
    if text.is_empty() || text.len() > MAX_LEN {
        return Err(InvalidId::Length);
    }
    Ok(())
}

macro_rules! id {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier, if `text` is one.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check(&text).map(|()| Self(text))
            }

            /// The identifier's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

id! {
    /// An organisation: the tenant, taken from a token's `org` claim and from nowhere else.
    OrgId;
    /// An AI agent (an "instance" in the metrics and billing API).
    AgentId;
    /// A project that uses compute.
    ProjectId;
    /// A web-hosting node.
    NodeId;
    /// Any other identifier that an event carries: a provider, a model, a host, a type.
    Name;
}

/// A model as its provider names it. Two spellings are two models; only the price book folds case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey {
    /// The provider's id, such as `anthropic`.
    pub provider: String,
    /// The provider's id of the model.
    pub model: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_and_both_edges_of_the_length() {
        assert_eq!(check(""), Err(InvalidId::Length));
        assert_eq!(check("a"), Ok(()));
        assert_eq!(check(&"a".repeat(128)), Ok(()));
        assert_eq!(check(&"a".repeat(129)), Err(InvalidId::Length));
        assert_eq!(check("AZaz09._:/@-"), Ok(()));
        for bad in ["a#b", "a b", "a%", "é", "a\0", "a,b", "a+b"] {
            assert_eq!(check(bad), Err(InvalidId::Alphabet), "{bad:?}");
        }
    }
}
