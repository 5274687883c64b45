//! Issues tokens for the local stack and the tests. A deployed system only verifies tokens.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

use crate::error::{Error, Result};

/// The claims of a new token.
#[derive(Clone, Debug, Serialize)]
pub struct NewToken {
    /// `iss`: the issuer.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `aud`: the audience.
    #[serde(rename = "aud")]
    pub audience: String,
    /// `sub`: the subject.
    #[serde(rename = "sub")]
    pub subject: String,
    /// `org`: the organization whose data the token gives access to.
    pub org: String,
    /// `scope`: the scopes, space-separated.
    pub scope: String,
    /// `iat`: when the token was issued, in seconds since the epoch.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// `exp`: when the token expires, in seconds since the epoch.
    #[serde(rename = "exp")]
    pub expires_at: i64,
}

/// Signs `claims` with HS256.
pub fn sign(secret: &[u8], claims: &NewToken) -> Result<String> {
    encode(&Header::default(), claims, &EncodingKey::from_secret(secret)).map_err(Error::internal)
}
