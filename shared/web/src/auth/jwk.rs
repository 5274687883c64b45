//! Which keys of a JWKS document (RFC 7517) are used, and with which algorithm.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// A key and the only algorithm it is used with.
pub(super) struct Key {
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// Keys by their `kid`.
pub(super) type KeySet = HashMap<String, Arc<Key>>;

/// Bytes of an RSA modulus: 2048 bits (RFC 7518, section 3.3) to 4096. aws-lc-rs would accept up to 8192, but a
/// larger key only makes verification slower.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

#[derive(Deserialize)]
struct Document {
    // Not `Vec<Jwk>`: one malformed key must not invalidate the others.
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The usable keys of a document. Of two with the same `kid`, the first.
pub(super) fn parse(document: &[u8]) -> serde_json::Result<KeySet> {
    let document: Document = serde_json::from_slice(document)?;
    let mut usable = KeySet::new();
    for value in document.keys {
        let Ok(jwk) = Jwk::deserialize(value) else { continue };
        if let Some(key) = jwk.key() {
            usable.entry(jwk.kid).or_insert_with(|| Arc::new(key));
        }
    }
    Ok(usable)
}

impl Jwk {
    fn key(&self) -> Option<Key> {
        if !self.verifies() {
            return None;
        }
        let (algorithm, decoding) = match (self.kty.as_str(), self.crv.as_deref(), self.alg.as_deref()) {
            ("RSA", _, None | Some("RS256")) => (Algorithm::RS256, self.rsa()),
            ("EC", Some("P-256"), None | Some("ES256")) => (Algorithm::ES256, self.p256()),
            // RFC 9864 names the algorithm after the curve.
            ("OKP", Some("Ed25519"), None | Some("EdDSA" | "Ed25519")) => (Algorithm::EdDSA, self.ed25519()),
            // In particular `oct`: whoever can read a symmetric key can sign with it.
            _ => return None,
        };
        decoding.map(|decoding| Key { algorithm, decoding })
    }

    fn verifies(&self) -> bool {
        self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    fn rsa(&self) -> Option<DecodingKey> {
        let modulus = decode(self.n.as_ref()?)?;
        let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
        let exponent = decode(self.e.as_ref()?)?;
        let sound = RSA_MODULUS_BYTES.contains(&significant);
        sound.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }

    fn p256(&self) -> Option<DecodingKey> {
        let (x, y) = (of_32_bytes(self.x.as_ref()?)?, of_32_bytes(self.y.as_ref()?)?);
        DecodingKey::from_ec_components(x, y).ok()
    }

    fn ed25519(&self) -> Option<DecodingKey> {
        // jsonwebtoken does not check the length: aws-lc-rs would fail at every token with a shorter key, and would
        // read a longer one as DER, which a JWK does not contain.
        DecodingKey::from_ed_components(of_32_bytes(self.x.as_ref()?)?).ok()
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn of_32_bytes(text: &str) -> Option<&str> {
    decode(text).filter(|bytes| bytes.len() == 32).map(|_| text)
}
