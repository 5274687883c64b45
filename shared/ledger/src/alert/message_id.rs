//! The id of a message, by which its receiver recognizes a retry.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// The id of a message. It stays the same when the message is retried.
///
/// It contains no period, because the signed content is `id.timestamp.body`: a period inside the id would let one
/// signature pass for a different id and timestamp (Standard Webhooks, "Signature scheme").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// The id derived from `key`, which must be unique across all organizations. Any text will do.
    pub fn of(key: &str) -> Self {
        Self(format!("msg_{}", BASE64.encode(Sha256::digest(key))))
    }

    /// The id of a message that is not retried, from random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("msg_{}", BASE64.encode(bytes)))
    }

    /// The text of the id: `msg_` and 43 characters of `A-Z a-z 0-9 _ -`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
