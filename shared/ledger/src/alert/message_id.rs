//! The id of a message: what its receiver tells a repetition by.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// The id of a message, the same whenever it is sent again.
///
/// It holds no full stop, since what is signed is `id.timestamp.body`: with one inside, a signature could be read as
/// that of another id and another time (Standard Webhooks, "Signature scheme").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// The id of what `key` names. The key is to name it across all organisations, and may hold anything.
    pub fn of(key: &str) -> Self {
        Self(format!("msg_{}", BASE64.encode(Sha256::digest(key))))
    }

    /// The id of a message that is sent once, from random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("msg_{}", BASE64.encode(bytes)))
    }

    /// The id's text: `msg_` and 43 of `A-Z a-z 0-9 _ -`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
