//! Keys with which exporters send events: a static header in place of a token that has to be renewed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The most keys that an organization may have.
pub const MAX_KEYS: usize = 100;

/// A key, as it is stored: only a hash of its secret is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySettings {
    /// The display name.
    pub name: String,
    /// The scopes that the key grants, by name.
    pub scopes: BTreeSet<String>,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// The instant from which it is no longer accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
    /// Tags that are added to each event sent with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The SHA-256 of the secret, in hexadecimal. The secret is random and long, so a salt would add nothing.
    pub hash: String,
}

impl KeySettings {
    /// The form in which a secret is stored.
    pub fn hash_of(secret: &str) -> String {
        use std::fmt::Write as _;
        Sha256::digest(secret).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Whether `secret` is the key's, compared in constant time.
    pub fn has_secret(&self, secret: &str) -> bool {
        Self::hash_of(secret).as_bytes().ct_eq(self.hash.as_bytes()).into()
    }

    /// Whether the key is accepted at `now`.
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl std::fmt::Debug for KeySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySettings").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> KeySettings {
        KeySettings {
            name: "exporter".to_owned(),
            scopes: ["events:write".to_owned()].into(),
            created: DateTime::UNIX_EPOCH,
            expires: None,
            tags: BTreeMap::new(),
            hash: KeySettings::hash_of(secret),
        }
    }

    #[test]
    fn only_the_secret_itself_is_accepted_and_it_is_not_stored() {
        let key = key("s3cret");
        assert!(key.has_secret("s3cret"));
        for wrong in ["", "s3cre", "s3cret ", "S3cret", &key.hash] {
            assert!(!key.has_secret(wrong), "{wrong}");
        }
        let stored = serde_json::to_string(&key).unwrap();
        assert!(!stored.contains("s3cret") && !format!("{key:?}").contains(&key.hash));
    }

    #[test]
    fn a_key_ends_at_the_instant_of_its_expiry() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let limited = KeySettings { expires: Some(at(10)), ..key("s") };
        assert_eq!([9, 10, 11].map(|now| limited.is_valid_at(at(now))), [true, false, false]);
        assert!(key("s").is_valid_at(at(i64::from(u32::MAX))));
    }
}
