//! Who is asking: bearer tokens (RFC 7519), verified before anything in them is believed.

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

/// The longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Seconds by which clocks may differ.
const LEEWAY_SECONDS: u64 = 30;

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The organisation whose data it opens.
    pub org: OrgId,
    /// Who holds it.
    pub subject: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
}

/// The claims as they are written. What `jsonwebtoken` checks as well is an option here, so that its message
/// names what is missing.
#[derive(Deserialize)]
struct Wire {
    // jsonwebtoken would take a list of issuers too; RFC 7519 has only one.
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
            // Words that mean nothing here may mean something to another service.
            scopes: scope.split(' ').filter_map(Scope::parse).collect(),
        })
    }
}

/// Why a [`Verifier`] could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// The address of the keys is none.
    #[error("the JWKS URL is not a URL: {0}")]
    Url(String),
    /// The HTTP client could not be set up.
    #[error("no HTTP client for the JWKS URL: {0:?}")]
    Client(#[from] reqwest::Error),
}

enum Keys {
    /// None: no token holds.
    None,
    Secret(Arc<Key>),
    Jwks(Box<Jwks>),
}

/// Tells good tokens from bad ones.
pub struct Verifier {
    expected: Validation,
    keys: Keys,
}

impl Verifier {
    /// A verifier of tokens as `config` describes them. It fetches nothing yet.
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
        // Without this, jsonwebtoken checks a claim only where it is present.
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        expected.validate_nbf = true;
        expected.leeway = LEEWAY_SECONDS;
        Ok(Self { expected, keys })
    }

    /// A verifier for a function that asks nobody for a token: it lets none pass.
    pub fn without_keys() -> Self {
        Self { expected: Validation::default(), keys: Keys::None }
    }

    /// Fetches the keys that tokens are verified with, where they are not configured.
    pub async fn warm(&self) {
        if let Keys::Jwks(jwks) = &self.keys {
            jwks.warm(Instant::now()).await;
        }
    }

    /// What `token` says, if it holds now.
    pub async fn verify(&self, token: &str) -> Result<Claims> {
        self.verify_at(token, Instant::now()).await
    }

    /// As [`Self::verify`]; `now` is for the age of the keys, the token's own times are held against the real one.
    async fn verify_at(&self, token: &str, now: Instant) -> Result<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refused("longer than a token may be"));
        }
        let header = decode_header(token).map_err(unverified)?;
        // RFC 7515, 4.1.11: what must be understood and is not makes the token invalid; we understand no extension.
        if header.crit.is_some() {
            return Err(refused("a critical header extension"));
        }
        let key = match (&self.keys, header.kid) {
            (Keys::None, _) => return Err(refused("no keys to verify it with")),
            (Keys::Secret(key), _) => key.clone(),
            (Keys::Jwks(jwks), Some(kid)) => jwks.key(&kid, now).await?,
            (Keys::Jwks(_), None) => return Err(refused("no kid")),
        };
        // The key decides the algorithm. What the header says is held against it, never followed.
        let expected = Validation { algorithms: vec![key.algorithm], ..self.expected.clone() };
        decode::<Wire>(token, &key.decoding, &expected).map_err(unverified)?.claims.try_into()
    }
}

fn refused(reason: impl Into<String>) -> Error {
    Error::Unauthenticated(reason.into())
}

/// Why a token does not hold, without any piece of it: parsers like to quote what they choke on.
#[allow(clippy::needless_pass_by_value, reason = "what map_err passes")]
fn unverified(error: jsonwebtoken::errors::Error) -> Error {
    match error.kind() {
        ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_) => refused("malformed"),
        _ => refused(error.to_string()),
    }
}
