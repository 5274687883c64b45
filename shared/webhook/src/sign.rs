//! Signatures per Standard Webhooks.
//!
//! They use the `hmac` crate rather than the crate `standardwebhooks`, which cannot sign a body that is not UTF-8,
//! accepts secrets of any length, and would add a second HMAC implementation.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::MessageId;

/// The prefix of a secret.
pub const SECRET_PREFIX: &str = "whsec_";
/// How many bytes a secret may have, after base64 decoding (Standard Webhooks, "Signature scheme").
pub const SECRET_BYTES: RangeInclusive<usize> = 24..=64;

/// Generates a random secret of 32 bytes.
pub fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", BASE64.encode(rand::random::<[u8; 32]>()))
}

/// Decodes a secret. Returns `None` if `text` is malformed or not of [`SECRET_BYTES`] length.
pub fn secret_bytes(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
    SECRET_BYTES.contains(&bytes.len()).then_some(bytes)
}

/// The value of the header `webhook-signature`: one signature per secret, in the order of the secrets. `None` if a
/// secret is malformed or there are no secrets.
pub(super) fn signatures(secrets: &[&str], id: &MessageId, timestamp: i64, body: &[u8]) -> Option<String> {
    let signed: Option<Vec<_>> = secrets
        .iter()
        .map(|secret| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret_bytes(secret)?).ok()?;
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
        })
        .collect();
    signed.filter(|signed| !signed.is_empty()).map(|signed| signed.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        let of = |bytes: usize| format!("whsec_{}", BASE64.encode(vec![7; bytes]));
        assert!(secret_bytes(&of(24)).is_some() && secret_bytes(&of(64)).is_some());
        for bad in
            [of(23), of(65), "whsec_".to_owned(), of(24).replace("whsec_", ""), of(25).replace('=', "")]
        {
            assert_eq!(secret_bytes(&bad), None, "{bad}");
        }
        assert_eq!(secret_bytes(&new_secret()).unwrap().len(), 32);
        assert_ne!(new_secret(), new_secret());
    }

    #[test]
    fn every_secret_signs_in_order() {
        let id = MessageId::of("x");
        let (a, b) = (new_secret(), new_secret());
        let sign = |secrets: &[&str]| signatures(secrets, &id, 1_649_367_553, b"{}");
        let (alone, other) = (sign(&[&a]).unwrap(), sign(&[&b]).unwrap());
        assert_eq!(sign(&[&a, &b]).unwrap(), format!("{alone} {other}"));
        assert_eq!((sign(&[]), sign(&[&a, "whsec_x"])), (None, None));
    }
}
