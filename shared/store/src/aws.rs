//! How AWS is reached.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// Attempts at one call, the first included; the SDK waits longer, with jitter, before each.
pub const ATTEMPTS: u32 = 5;

/// How long one attempt may take: a page of a megabyte takes a fraction of it, and a connection that hangs leaves
/// time for another one.
const ATTEMPT: Duration = Duration::from_secs(4);

/// What every client of an AWS service is made of.
///
/// Credentials and region come from the environment alone: on Lambda they are always there, and the whole chain of
/// providers costs time in every cold start.
pub async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .load()
        .await
}
