//! `/console/settings.json`: how this deployment is set up, as far as the page has to know. Nothing of it is secret.

use runtime::config::Config;
use serde_json::{Value, json};

/// The name under which the page asks for it.
pub const NAME: &str = "settings.json";

pub fn settings(config: &Config) -> Value {
    let sign_in = config.sign_in.as_ref().map(|sign_in| {
        json!({
            "issuer": sign_in.issuer,
            "clientId": sign_in.client_id,
            "scope": sign_in.scope,
            "audience": sign_in.audience,
            "orgClaim": sign_in.claims.org,
            "scopeClaim": sign_in.claims.scope,
            "scopePrefix": sign_in.claims.scope_prefix,
        })
    });
    json!({ "version": env!("CARGO_PKG_VERSION"), "signIn": sign_in })
}
