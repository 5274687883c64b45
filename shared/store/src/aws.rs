//! The configuration that all clients of AWS services share.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// Attempts at one call, including the first. The SDK backs off exponentially, with jitter, between them.
pub const ATTEMPTS: u32 = 5;

/// The timeout of one attempt: several times what a page of 1 MB takes, and short enough that a hanging connection
/// leaves time for another attempt.
const ATTEMPT: Duration = Duration::from_secs(4);

/// Credentials, region, retries and timeouts of all AWS clients.
///
/// Credentials and region come from the environment only: Lambda always sets them, and the default provider chain
/// would slow down every cold start.
pub async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .load()
        .await
}
