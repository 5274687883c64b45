//! Secrets that AWS Secrets Manager keeps.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;

use store::aws;

/// The text of a secret, as it is now. A new version is seen by the functions that start after it was made.
///
/// # Errors
///
/// Why there is none, for the log.
pub async fn text(arn: &str) -> Result<String, String> {
    let client = Client::new(&aws::config().await);
    let found = client.get_secret_value().secret_id(arn).send().await;
    let found = found.map_err(|error| format!("GetSecretValue: {}", DisplayErrorContext(&error)))?;
    found.secret_string.ok_or_else(|| "the secret is no text".to_owned())
}
