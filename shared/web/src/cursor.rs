//! Signed cursors: where a list goes on, bound to whom and what it was shown to.
//!
//! A cursor can be decoded by anyone, but only one that was given out is taken back, by the organization and for the
//! question that it was given out to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::error::{Error, Fault, Result};

/// The length of a signature in bytes.
const SIGNATURE: usize = 32;

/// What a cursor is bound to: the list, the organization and whatever else decides what the list has.
pub type Bound<'a> = &'a [&'a str];

/// The text of a cursor at `place`.
pub fn sign<T: Serialize>(place: &T, secret: &[u8], bound: Bound<'_>) -> Result<String> {
    let payload = serde_json::to_vec(place).map_err(Error::internal)?;
    let signature = signature(secret, bound, &payload).finalize().into_bytes();
    Ok(BASE64.encode([signature.as_slice(), &payload].concat()))
}

/// The place of the cursor that a caller gave, if there is one.
///
/// # Errors
///
/// As [`verify`].
pub fn read<T: DeserializeOwned>(text: Option<&str>, secret: &[u8], bound: Bound<'_>) -> Result<Option<T>> {
    text.map(|text| verify(text, secret, bound)).transpose()
}

/// The place of a cursor.
///
/// # Errors
///
/// A fault of the parameter `cursor`, unless the cursor was signed for the same things.
pub fn verify<T: DeserializeOwned>(text: &str, secret: &[u8], bound: Bound<'_>) -> Result<T> {
    opened(text, secret, bound).ok_or_else(|| {
        let msg = "Input should be the cursor of an earlier page of the same list";
        Fault::of_query("cursor", "cursor", msg).into()
    })
}

fn opened<T: DeserializeOwned>(text: &str, secret: &[u8], bound: Bound<'_>) -> Option<T> {
    let bytes = BASE64.decode(text).ok()?;
    let (signed, payload) = bytes.split_first_chunk::<SIGNATURE>()?;
    signature(secret, bound, payload).verify_slice(signed).ok()?;
    serde_json::from_slice(payload).ok()
}

fn signature(secret: &[u8], bound: Bound<'_>, payload: &[u8]) -> Hmac<Sha256> {
    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key");
    for part in bound {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn place() -> (String, u32) {
        ("é#".to_owned(), 700)
    }

    #[test]
    fn a_cursor_is_bound_to_its_secret_and_to_every_part() {
        let text = sign(&place(), &SECRET, &["list", "acme", "x"]).unwrap();
        let read = |secret: &[u8], bound: Bound<'_>| opened::<(String, u32)>(&text, secret, bound);
        assert_eq!(read(&SECRET, &["list", "acme", "x"]), Some(place()));
        for other in [
            &["list", "acme"][..],
            &["list", "acme", ""],
            &["list", "acm", "ex"],
            &["list", "acmex"],
            &["other", "acme", "x"],
        ] {
            assert_eq!(read(&SECRET, other), None, "{other:?}");
        }
        assert_eq!(read(&[8; 32], &["list", "acme", "x"]), None);
    }

    #[test]
    fn a_modified_cursor_is_rejected() {
        let text = sign(&place(), &SECRET, &["list"]).unwrap();
        let bytes = BASE64.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(opened::<(String, u32)>(&BASE64.encode(changed), &SECRET, &["list"]), None, "{at}");
        }
        for length in 0..text.len() {
            assert_eq!(opened::<(String, u32)>(&text[..length], &SECRET, &["list"]), None, "{length}");
        }
        for bad in ["", "x", "é", &format!("{text}A"), &format!("{text}=")] {
            assert!(
                matches!(verify::<(String, u32)>(bad, &SECRET, &["list"]), Err(Error::Validation(_))),
                "{bad}"
            );
        }
    }
}
