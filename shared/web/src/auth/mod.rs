//! Verification of bearer tokens (RFC 7519).

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::error::{Error, Result};
use ledger::ids::OrgId;
use runtime::config::{AuthConfig, ClaimNames, TokenKeys};
use runtime::secrets::Secret;

mod api_keys;
mod issue;
mod jwk;
mod jwks;
mod scope;
#[cfg(test)]
mod tests;

pub use api_keys::{ApiKeys, KeyHolder, NewKey, PREFIX as KEY_PREFIX};
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

/// The claims of a token whose signature is valid.
type Wire = serde_json::Map<String, Value>;

impl Claims {
    fn read(wire: &Wire, names: &ClaimNames) -> Result<Self> {
        // jsonwebtoken would accept a list of issuers; RFC 7519 allows only one.
        if !wire.get("iss").is_some_and(Value::is_string) {
            return Err(refused("the iss claim is not a string"));
        }
        let text = |name: &str| wire.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let org = text(&names.org).ok_or_else(|| refused(format!("no {} claim", names.org)))?;
        Ok(Self {
            org: OrgId::new(org)
                .map_err(|_| refused(format!("the {} claim is not an identifier", names.org)))?,
            subject: text("sub").ok_or_else(|| refused("no sub claim"))?.to_owned(),
            scopes: scopes(wire, names)?,
        })
    }
}

/// The scopes of a token. Unknown ones may be meant for another service.
fn scopes(wire: &Wire, names: &ClaimNames) -> Result<BTreeSet<Scope>> {
    let claim = match &names.scope {
        Some(name) => wire.get(name),
        None => wire.get("scope").filter(|scope| !scope.is_null()).or_else(|| wire.get("scp")),
    };
    let words: Vec<&str> = match claim {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.split(' ').collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(refused("the scopes are neither text nor a list")),
    };
    let ours = words.into_iter().filter_map(|word| word.strip_prefix(names.scope_prefix.as_str()));
    Ok(ours.filter_map(Scope::parse).collect())
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
    Secret(SecretKey),
    Jwks(Box<Jwks>),
}

/// The key that a secret is, once the secret is known.
struct SecretKey {
    secret: Secret,
    key: OnceCell<Arc<Key>>,
}

impl SecretKey {
    async fn key(&self) -> Result<Arc<Key>> {
        let key = self.key.get_or_try_init(async || {
            let decoding = DecodingKey::from_secret(&self.secret.get().await?);
            Ok::<_, Error>(Arc::new(Key { algorithm: Algorithm::HS256, decoding }))
        });
        key.await.cloned()
    }
}

/// Verifies tokens.
pub struct Verifier {
    expected: Validation,
    keys: Keys,
    claims: ClaimNames,
}

impl Verifier {
    /// A verifier of tokens as `config` describes them. It does not fetch keys yet.
    pub fn new(config: &AuthConfig) -> Result<Self, VerifierError> {
        let keys = match &config.keys {
            TokenKeys::Secret(secret) => {
                Keys::Secret(SecretKey { secret: secret.clone(), key: OnceCell::new() })
            }
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
        Ok(Self { expected, keys, claims: config.claims.clone() })
    }

    /// A verifier that rejects every token, for functions whose routes are all public.
    pub fn without_keys() -> Self {
        Self { expected: Validation::default(), keys: Keys::None, claims: ClaimNames::default() }
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
            (Keys::Secret(secret), _) => secret.key().await?,
            (Keys::Jwks(jwks), kid) => jwks.key(kid.as_deref(), now).await?,
        };
        // The key decides the algorithm. The header's is compared with it, never followed.
        let expected = Validation { algorithms: vec![key.algorithm], ..self.expected.clone() };
        let decoded = decode::<Wire>(token, &key.decoding, &expected).map_err(unverified)?;
        Claims::read(&decoded.claims, &self.claims)
    }
}

fn refused(reason: impl Into<String>) -> Error {
    Error::Unauthenticated(reason.into())
}

/// Why a token is invalid, without quoting any part of it as parsers do.
#[allow(clippy::needless_pass_by_value, reason = "what map_err passes")]
fn unverified(error: jsonwebtoken::errors::Error) -> Error {
    match error.kind() {
        ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_) | ErrorKind::InvalidToken => {
            refused("malformed")
        }
        ErrorKind::ExpiredSignature => refused("the token has expired"),
        ErrorKind::ImmatureSignature => refused("the token is not valid yet"),
        ErrorKind::InvalidIssuer => refused("the issuer is not the configured one"),
        ErrorKind::InvalidAudience => refused("the audience is not the configured one"),
        ErrorKind::InvalidSignature => refused("the signature is wrong"),
        ErrorKind::InvalidAlgorithm => refused("the algorithm is not the key's"),
        ErrorKind::MissingRequiredClaim(claim) => refused(format!("no {claim} claim")),
        _ => refused(error.to_string()),
    }
}
