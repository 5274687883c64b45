//! Identifiers. All share one alphabet, which does not contain the separator of table keys.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Separates the parts of a table key. No identifier contains it.
pub const SEPARATOR: char = '#';

/// The maximum length of an identifier in characters, which are ASCII, so also in bytes.
pub const MAX_LEN: usize = 128;

/// The error for a text that is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Empty, or longer than [`MAX_LEN`].
    #[error("Id should have 1 to 128 characters")]
    Length,
    /// Contains a character outside the alphabet.
    #[error("Id should only contain the characters A-Z a-z 0-9 . _ : / @ -")]
    Alphabet,
}

/// Checks that `text` is an identifier: 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`.
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
            /// Validates `text`, see [`check`].
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
    /// An organization (tenant). Requests take it from the token's `org` claim and from nowhere else.
    OrgId;
    /// An AI agent. The metrics and billing API call it an "instance".
    AgentId;
    /// A project, to which compute usage is attributed.
    ProjectId;
    /// A web-hosting node.
    NodeId;
    /// Any other identifier in an event, such as a provider, a model, a host or a type.
    Name;
}

/// The maximum length of a label in characters.
pub const MAX_LABEL: usize = 256;

/// The error for a text that is not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Text should have 1 to 256 characters, none of them a control character")]
pub struct InvalidLabel;

/// Text that describes usage, such as a model's name, a task type or an end user: 1 to [`MAX_LABEL`] characters
/// without control characters, in Unicode's normal form NFC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Validates and normalizes `text`.
    pub fn new(text: &str) -> Result<Self, InvalidLabel> {
        let text: String = text.nfc().collect();
        if text.is_empty() || text.chars().nth(MAX_LABEL).is_some() || text.chars().any(char::is_control) {
            return Err(InvalidLabel);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidLabel;
    fn try_from(text: String) -> Result<Self, InvalidLabel> {
        Self::new(&text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model of a provider, as the events spell them. The comparison is case-sensitive; only the price book folds case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey {
    /// The provider's id, such as `anthropic`.
    pub provider: String,
    /// The provider's id for the model.
    pub model: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_1_to_128_characters_of_the_alphabet() {
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
