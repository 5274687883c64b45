//! Verification of bearer tokens (RFC 7519).

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::time::Instant;

use crate::error::{Error, Result};
use ledger::ids::OrgId;
use runtime::config::{AuthConfig, TokenKeys};

mod issue;
mod jwk;
mod jwks;
mod scope;
#[cfg(test)]
mod tests;

pub use issue::{NewToken, sign};
pub use scope::Scope;

use jwk::Key;
use jwks::Jwks;

/// Maximum length of a token.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Tolerated difference between clocks, in seconds.
const LEEWAY_SECONDS: u64 = 30;

/// The claims of a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The organization whose data the token gives access to.
    pub org: OrgId,
    /// The holder of the token.
    pub subject: String,
    /// The rights that the token grants.
    pub scopes: BTreeSet<Scope>,
}

/// The claims as they appear in the token. Those that `jsonwebtoken` checks are optional here, so that its own
/// message says which is missing.
#[derive(Deserialize)]
struct Wire {
    // jsonwebtoken would accept a list of issuers; RFC 7519 allows only one.
    #[serde(rename = "iss")]
    _issuer: Option<String>,
    sub: Option<String>,
    org: Option<String>,
    scope: Option<String>,
}

impl TryFrom<Wire> for Claims {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self> {
        let org = wire.org.ok_or_else(|| refused("no org claim"))?;
        let scope = wire.scope.unwrap_or_default();
        Ok(Self {
            org: OrgId::new(org).map_err(|_| refused("the org claim is not an identifier"))?,
            subject: wire.sub.filter(|sub| !sub.is_empty()).ok_or_else(|| refused("no sub claim"))?,
            // Unknown scopes may be meant for another service.
            scopes: scope.split(' ').filter_map(Scope::parse).collect(),
        })
    }
}

/// Why a [`Verifier`] could not be created.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// The JWKS URL is invalid.
    #[error("the JWKS URL is not a URL: {0}")]
    Url(String),
    /// The HTTP client could not be built.
    #[error("no HTTP client for the JWKS URL: {0:?}")]
    Client(#[from] reqwest::Error),
}

enum Keys {
    /// Rejects every token.
    None,
    Secret(Arc<Key>),
    Jwks(Box<Jwks>),
}

/// Verifies tokens.
pub struct Verifier {
    expected: Validation,
    keys: Keys,
}

impl Verifier {
    /// A verifier of tokens as `config` describes them. It does not fetch keys yet.
    pub fn new(config: &AuthConfig) -> Result<Self, VerifierError> {
        let keys = match &config.keys {
            TokenKeys::Secret(secret) => Keys::Secret(Arc::new(Key {
                algorithm: Algorithm::HS256,
                decoding: DecodingKey::from_secret(secret),
            })),
            TokenKeys::JwksUrl(url) => {
                let url = reqwest::Url::parse(url).map_err(|error| VerifierError::Url(error.to_string()))?;
                Keys::Jwks(Box::new(Jwks::new(url, jwks::TIMEOUT)?))
            }
        };
        let mut expected = Validation::default();
        expected.set_issuer(&[&config.issuer]);
        expected.set_audience(&[&config.audience]);
        // Without this, jsonwebtoken checks a claim only if it is present.
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        expected.validate_nbf = true;
        expected.leeway = LEEWAY_SECONDS;
        Ok(Self { expected, keys })
    }

    /// A verifier that rejects every token, for functions whose routes are all public.
    pub fn without_keys() -> Self {
        Self { expected: Validation::default(), keys: Keys::None }
    }

    /// Fetches the keys, if they come from a URL.
    pub async fn warm(&self) {
        if let Keys::Jwks(jwks) = &self.keys {
            jwks.warm(Instant::now()).await;
        }
    }

    /// Verifies `token` and returns its claims.
    pub async fn verify(&self, token: &str) -> Result<Claims> {
        self.verify_at(token, Instant::now()).await
    }

    /// Like [`Self::verify`]. `now` is for the age of the keys; the token's times are compared with the wall clock.
    async fn verify_at(&self, token: &str, now: Instant) -> Result<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refused("longer than a token may be"));
        }
        let header = decode_header(token).map_err(unverified)?;
        // RFC 7515, section 4.1.11: an unsupported critical extension makes the token invalid. None is supported.
        if header.crit.is_some() {
            return Err(refused("a critical header extension"));
        }
        let key = match (&self.keys, header.kid) {
            (Keys::None, _) => return Err(refused("no keys to verify it with")),
            (Keys::Secret(key), _) => key.clone(),
            (Keys::Jwks(jwks), Some(kid)) => jwks.key(&kid, now).await?,
            (Keys::Jwks(_), None) => return Err(refused("no kid")),
        };
        // The key decides the algorithm. The header's is compared with it, never followed.
        let expected = Validation { algorithms: vec![key.algorithm], ..self.expected.clone() };
        decode::<Wire>(token, &key.decoding, &expected).map_err(unverified)?.claims.try_into()
    }
}

fn refused(reason: impl Into<String>) -> Error {
    Error::Unauthenticated(reason.into())
}

/// Why a token is invalid, without quoting any part of it as parsers do.
#[allow(clippy::needless_pass_by_value, reason = "what map_err passes")]
fn unverified(error: jsonwebtoken::errors::Error) -> Error {
    match error.kind() {
        ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_) => refused("malformed"),
        _ => refused(error.to_string()),
    }
}
