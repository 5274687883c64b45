//! Secrets in AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;

use store::aws;

/// The current text of a secret. Functions see a new version when they start.
///
/// # Errors
///
/// Returns the reason, for the log.
pub async fn text(arn: &str) -> Result<String, String> {
    let client = Client::new(&aws::config().await);
    let found = client.get_secret_value().secret_id(arn).send().await;
    let found = found.map_err(|error| format!("GetSecretValue: {}", DisplayErrorContext(&error)))?;
    found.secret_string.ok_or_else(|| "the secret is not text".to_owned())
}
