//! `/console/settings.json`: the settings of this deployment that the page needs. None of them is secret.

use runtime::config::Config;
use serde_json::{Value, json};

/// The name under which the page requests it.
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

#[cfg(test)]
mod tests {
    use runtime::config::{ClaimNames, SignIn};
    use runtime::tables::TableNames;

    use super::*;

    #[test]
    fn the_page_learns_where_to_sign_in_and_how_tokens_are_read() {
        let claims = ClaimNames { scope_prefix: "fleetledger/".to_owned(), ..ClaimNames::default() };
        let sign_in = SignIn {
            issuer: "https://id.example/".to_owned(),
            client_id: "console".to_owned(),
            scope: None,
            token_origin: Some("https://login.example".to_owned()),
            audience: "fleetledger".to_owned(),
            claims,
        };
        let config = Config {
            tables: TableNames::default(),
            auth: None,
            event_retention_days: 400,
            cursor_secret: None,
            allow_local_webhooks: false,
            alerts_topic_arn: None,
            export_bucket: None,
            sign_in: Some(sign_in),
        };
        let expected = json!({
            "issuer": "https://id.example/", "clientId": "console", "scope": null, "audience": "fleetledger",
            "orgClaim": "org", "scopeClaim": null, "scopePrefix": "fleetledger/",
        });
        assert_eq!(settings(&config)["signIn"], expected);
    }
}
