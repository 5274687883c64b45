//! How AWS is reached.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// Attempts at one call, the first included; the SDK waits longer, with jitter, before each.
pub const ATTEMPTS: u32 = 5;

/// What every client of an AWS service is made of.
///
/// Credentials and region come from the environment alone: on Lambda they are always there, and the whole chain of
/// providers costs time in every cold start.
pub async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .load()
        .await
}
