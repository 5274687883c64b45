//! The headers that limit what a browser lets the page do.

use http::HeaderValue;
use runtime::config::SignIn;
use url::Url;
use web::error::{Error, Result};

/// The content security policy. Scripts, styles and requests are limited to this origin; if people sign in with an
/// identity provider, requests may also go to its origins. Trusted types keep text from becoming markup.
pub fn content_security_policy(sign_in: Option<&SignIn>) -> Result<HeaderValue> {
    let mut connect = vec!["'self'".to_owned()];
    if let Some(sign_in) = sign_in {
        let issuer = Url::parse(&sign_in.issuer).map_err(Error::internal)?;
        connect.push(issuer.origin().ascii_serialization());
        connect.extend(sign_in.token_origin.clone());
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
        connect.join(" "),
    );
    HeaderValue::from_str(&policy).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_to_this_origin_and_to_the_identity_provider_alone() {
        let connects = |sign_in: Option<&SignIn>| {
            let policy = content_security_policy(sign_in).unwrap();
            let policy = policy.to_str().unwrap().to_owned();
            policy.split("; ").find_map(|part| part.strip_prefix("connect-src ")).unwrap().to_owned()
        };
        assert_eq!(connects(None), "'self'");
        let mut sign_in = SignIn {
            issuer: "https://id.example:8443/tenant/1/".to_owned(),
            client_id: "console".to_owned(),
            scope: None,
            token_origin: None,
            audience: "fleetledger".to_owned(),
            claims: runtime::config::ClaimNames::default(),
        };
        assert_eq!(connects(Some(&sign_in)), "'self' https://id.example:8443");
        sign_in.token_origin = Some("https://login.example".to_owned());
        assert_eq!(connects(Some(&sign_in)), "'self' https://id.example:8443 https://login.example");
    }
}
