//! Identifiers and labels.
//!
//! An organization's id, which comes from a token, is strict. Everything else that senders name may be any text: ids,
//! which an event cannot do without, and labels, which are left out if they are invalid.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The maximum length of an identifier or a label in bytes of UTF-8.
pub const MAX_BYTES: usize = 256;

/// The maximum length of an organization's id in characters, which are ASCII, so also in bytes.
const MAX_ORG: usize = 128;

/// The error for a text that is not an organization's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Organization should have 1 to 128 of the characters A-Z a-z 0-9 . _ : / @ -")]
pub struct InvalidOrgId;

/// The error for a text that is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Empty, or longer than [`MAX_BYTES`].
    #[error("Id should have 1 to 256 bytes of UTF-8")]
    Length,
    /// Contains a control character.
    #[error("Id should not contain control characters")]
    ControlCharacter,
}

/// `text` in Unicode's normal form NFC, if that has 1 to [`MAX_BYTES`] bytes and no control characters.
fn normalized(text: &str) -> Result<String, InvalidId> {
    // Normalization never makes a text so much shorter that one of this length would pass.
    if text.len() > 16 * MAX_BYTES {
        return Err(InvalidId::Length);
    }
    let text: String = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
    if text.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter);
    }
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(InvalidId::Length);
    }
    Ok(text)
}

/// An organization (tenant). Requests take it from the token's `org` claim and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgId(String);

impl OrgId {
    /// Checks that `text` is 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidOrgId> {
        let text = text.into();
        let in_alphabet = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/@-".contains(&byte));
        if !in_alphabet || text.is_empty() || text.len() > MAX_ORG {
            return Err(InvalidOrgId);
        }
        Ok(Self(text))
    }
}

macro_rules! text {
    ($name:ident, $error:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
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
    };
}

text!(OrgId, InvalidOrgId);
text!(Label, InvalidLabel);

macro_rules! id {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Normalizes and validates `text`: 1 to [`MAX_BYTES`] bytes without control characters, in NFC.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                normalized(text.as_ref()).map(Self)
            }
        }

        text!($name, InvalidId);
    )+};
}

id! {
    /// An AI agent. The metrics and billing API call it an "instance".
    AgentId;
    /// A project, to which compute usage is attributed.
    ProjectId;
    /// A web-hosting node.
    NodeId;
    /// Any other identifier, such as an event's source and id, an instance, an alert destination or a type of activity.
    Name;
}

/// The error for a text that is not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Text should have 1 to 256 bytes of UTF-8, none of them a control character")]
pub struct InvalidLabel;

/// Text that describes usage, such as a model's name, a task type or an end user: 1 to [`MAX_BYTES`] bytes without
/// control characters, in Unicode's normal form NFC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Normalizes and validates `text`.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidLabel> {
        normalized(text.as_ref()).map(Self).map_err(|_| InvalidLabel)
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
    fn ids_have_1_to_256_bytes_without_control_characters() {
        let new = |text: &str| AgentId::new(text).map(String::from);
        for good in ["a", " ", "a#b", "a/../b", "..", "50 %", "é", "\u{10ffff}", "東京", "a\u{200b}"] {
            assert_eq!(new(good), Ok(good.to_owned()));
        }
        assert_eq!(new(""), Err(InvalidId::Length));
        assert!(new(&"é".repeat(128)).is_ok());
        assert_eq!(new(&"é".repeat(129)), Err(InvalidId::Length));
        assert_eq!(new(&"a".repeat(1_000_000)), Err(InvalidId::Length));
        for bad in ["a\0", "\t", "a\nb", "\u{7f}", "\u{85}"] {
            assert_eq!(new(bad), Err(InvalidId::ControlCharacter), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_normalized() {
        let composed = AgentId::new("caf\u{e9}").unwrap();
        assert_eq!(AgentId::new("cafe\u{301}").unwrap(), composed);
        assert_eq!(serde_json::from_str::<AgentId>(r#""cafe\u0301""#).unwrap(), composed);
        // The length is that of the normalized text, which may be shorter or longer.
        assert!(AgentId::new("e\u{301}".repeat(128)).is_ok());
        assert_eq!(AgentId::new("\u{fb2c}".repeat(85)), Err(InvalidId::Length));
    }

    #[test]
    fn organizations_have_a_strict_alphabet() {
        assert!(OrgId::new("AZaz09._:/@-").is_ok() && OrgId::new("a".repeat(128)).is_ok());
        for bad in ["", "a#b", "a b", "a%", "é", "a\0", "a,b", "a+b", &"a".repeat(129)] {
            assert_eq!(OrgId::new(bad), Err(InvalidOrgId), "{bad:?}");
        }
    }
}
