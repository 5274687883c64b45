//! Tokens of our own making, for the local stack and the tests. A deployed system only ever verifies.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

use crate::error::{Error, Result};

/// What a new token is to say.
#[derive(Clone, Debug, Serialize)]
pub struct NewToken {
    /// `iss`: who issues it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `aud`: for whom it is.
    #[serde(rename = "aud")]
    pub audience: String,
    /// `sub`: who holds it.
    #[serde(rename = "sub")]
    pub subject: String,
    /// `org`: whose data it opens.
    pub org: String,
    /// `scope`: what it allows, space-separated.
    pub scope: String,
    /// `iat`: the second since the epoch at which it is issued.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// `exp`: the second since the epoch from which it no longer holds.
    #[serde(rename = "exp")]
    pub expires_at: i64,
}

/// A token that says `claims`, signed with HS256.
pub fn sign(secret: &[u8], claims: &NewToken) -> Result<String> {
    encode(&Header::default(), claims, &EncodingKey::from_secret(secret)).map_err(Error::internal)
}
