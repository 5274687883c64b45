//! The configuration that all clients of AWS services share.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::OnceCell;

/// Attempts at one call, including the first. The SDK backs off exponentially, with jitter, between them.
pub const ATTEMPTS: u32 = 5;

/// The timeout of one attempt: several times what a page of 1 MB takes, and short enough that a hanging connection
/// leaves time for another attempt.
const ATTEMPT: Duration = Duration::from_secs(4);

/// The roots that the certificates of all AWS endpoints descend from. Every function parses them when it starts; to parse
/// all that a system trusts took three quarters of a start. Other hosts, such as receivers of webhooks, are verified
/// with the system's roots by other clients.
const ROOTS: &[u8] = include_bytes!("aws/roots.pem");

/// Credentials, region, roots of trust, retries and timeouts of all AWS clients.
///
/// Credentials and region come from the environment only: Lambda always sets them, and the default provider chain
/// would slow down every cold start. Loaded once, so that all clients share one HTTP client: to set it up is the greatest
/// part of a start.
pub async fn config() -> &'static SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG.get_or_init(load).await
}

async fn load() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .http_client(http_client(ROOTS))
        .load()
        .await
}

/// A client that trusts certificates of these roots only.
fn http_client(roots: &[u8]) -> SharedHttpClient {
    let builder = Builder::new().tls_provider(Provider::rustls(CryptoMode::AwsLc));
    let store = TrustStore::empty().with_pem_certificate(roots);
    match TlsContext::builder().with_trust_store(store).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // A context without a client certificate is always built; the system's roots would do as well.
        Err(_) => builder.build_https(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_are_those_of_amazon_trust_services() {
        let begins = ROOTS.windows(11).filter(|text| *text == b"-----BEGIN ").count();
        assert_eq!(begins, 5);
        // Panics if a certificate cannot be parsed.
        drop(http_client(ROOTS));
    }
}
