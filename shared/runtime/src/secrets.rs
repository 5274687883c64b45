//! Secrets in AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;

use store::aws;

/// Fetches the current text of a secret. A running function keeps what it fetched at its start, so a new version only
/// reaches functions that start later.
///
/// # Errors
///
/// The reason why the secret cannot be read, for the log.
pub async fn text(arn: &str) -> Result<String, String> {
    let client = Client::new(aws::config().await);
    let found = client.get_secret_value().secret_id(arn).send().await;
    let found = found.map_err(|error| format!("GetSecretValue: {}", DisplayErrorContext(&error)))?;
    found.secret_string.ok_or_else(|| "the secret has no text value".to_owned())
}
