//! Options for verifying tokens: with the stack's own secret, which is the default, or an identity provider's keys.

use clap::Args;
use http::Uri;
use local::token::AUDIENCE;
use runtime::config::{AuthConfig, ClaimNames, TokenKeys};

#[derive(Args)]
pub struct Tokens {
    /// Verify tokens with the keys of an identity provider, instead of the stack's own secret: the URL of its key set,
    /// https or on this machine
    #[arg(long, value_name = "URL", value_parser = jwks_url, requires = "issuer")]
    jwks: Option<String>,
    /// The iss claim that tokens must have
    #[arg(long, value_name = "ISS", requires = "jwks")]
    issuer: Option<String>,
    /// The aud claim that tokens must have
    #[arg(long, value_name = "AUD", requires = "jwks", default_value = AUDIENCE)]
    audience: String,
    /// The claim that names the organization
    #[arg(long, value_name = "CLAIM", requires = "jwks", default_value = "org")]
    org_claim: String,
    /// The claim with the scopes, as a string or a list; by default scope or else scp
    #[arg(long, value_name = "CLAIM", requires = "jwks")]
    scope_claim: Option<String>,
    /// Prefix that the provider adds to each scope
    #[arg(long, value_name = "TEXT", requires = "jwks", default_value = "")]
    scope_prefix: String,
}

/// Keys decide who has access, so they must come over TLS or from this machine.
fn jwks_url(text: &str) -> Result<String, String> {
    let url = text.parse::<Uri>().ok();
    let host = url.as_ref().and_then(Uri::host).unwrap_or_default();
    let is_local = ["127.0.0.1", "[::1]", "localhost"].contains(&host);
    match url.as_ref().and_then(Uri::scheme_str) {
        Some("https") if !host.is_empty() => Ok(text.to_owned()),
        Some("http") if is_local => Ok(text.to_owned()),
        _ => Err("should be an https URL, or http on 127.0.0.1".to_owned()),
    }
}

impl Tokens {
    /// `None` for the stack's own secret.
    pub fn auth(&self) -> Option<AuthConfig> {
        Some(AuthConfig {
            issuer: self.issuer.clone()?,
            audience: self.audience.clone(),
            keys: TokenKeys::JwksUrl(self.jwks.clone()?),
            claims: ClaimNames {
                org: self.org_claim.clone(),
                scope: self.scope_claim.clone(),
                scope_prefix: self.scope_prefix.clone(),
            },
        })
    }

    /// The issuer of the tokens, unless it is the stack.
    pub fn source(&self) -> Option<&str> {
        self.jwks.as_ref().and(self.issuer.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for good in [
            "https://id.example/jwks",
            "http://127.0.0.1:8000/jwks.json",
            "http://localhost/x",
            "http://[::1]:1/",
        ] {
            assert_eq!(jwks_url(good).as_deref(), Ok(good));
        }
        for bad in
            ["http://id.example/jwks", "http://127.0.0.1.example/", "ftp://localhost/", "/jwks", "https:///x"]
        {
            assert!(jwks_url(bad).is_err(), "{bad}");
        }
    }
}
