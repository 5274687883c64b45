//! Publishes alerts of all organizations to an SNS topic for the operator, if the deployment names one.

use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use ledger::alert::{DeliveryFailure, MessageId, RetryAdvice};
use serde_json::json;

/// The longest that publishing may take, including the SDK's own retries.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest subject in characters: SNS requires fewer than 100.
const MAX_SUBJECT: usize = 99;
/// The error codes of SNS for a message that it will never accept.
const INVALID: [&str; 3] = ["InvalidParameter", "ParameterValueInvalid", "ValidationException"];

/// A topic that alerts are published to.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

/// A message to publish.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// One line of any text: what SNS does not accept in a subject is left out or replaced.
    pub subject: &'a str,
    /// The alert's JSON.
    pub body: &'a str,
    /// The alert for people: what subscribers by email get.
    pub text: &'a str,
    /// The same as in `webhook-id`, by which subscribers recognize a duplicate. Like the two fields below, it becomes an
    /// attribute of the message, so that subscriptions can filter by it.
    pub alert_id: &'a MessageId,
    /// The message's type.
    pub kind: &'a str,
    /// Whose alert it is.
    pub organization: &'a str,
}

impl Topic {
    /// Publishes to the topic `arn` through `client`.
    pub fn new(client: Client, arn: impl Into<String>) -> Self {
        Self { client, arn: arn.into() }
    }

    /// Publishes to the topic `arn` with the function's own credentials.
    pub async fn from_env(arn: impl Into<String>) -> Self {
        Self::new(Client::new(store::aws::config().await), arn)
    }

    /// Publishes a message. It may be published twice if a response is lost.
    pub async fn publish(&self, message: &Message<'_>) -> Result<(), DeliveryFailure> {
        let attributes = [
            ("alert_id", message.alert_id.as_str()),
            ("kind", message.kind),
            ("organization", message.organization),
        ];
        let by_protocol = json!({ "default": message.body, "email": message.text }).to_string();
        let request = self.client.publish().topic_arn(&self.arn).message_structure("json");
        let mut request = request.message(by_protocol);
        for (name, value) in attributes {
            request = request.message_attributes(name, attribute(value)?);
        }
        // Set here rather than in the client, so that it applies to every client.
        let timeouts = TimeoutConfig::builder().operation_timeout(LIMIT).build();
        let request = request.set_subject(subject(message.subject)).customize();
        let sent = request.config_override(Builder::new().timeout_config(timeouts)).send().await;
        sent.map(drop).map_err(|error| failed(&error))
    }
}

fn attribute(value: &str) -> Result<MessageAttributeValue, DeliveryFailure> {
    let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    value.map_err(|error| failed(&SdkError::construction_failure(error)))
}

/// The part of a text that SNS accepts as a subject: one line of printable ASCII with fewer than 100 characters that does
/// not begin with a space. None where nothing is left.
fn subject(text: &str) -> Option<String> {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    let line: String = line.chars().map(|c| if c.is_ascii() { c } else { '?' }).take(MAX_SUBJECT).collect();
    Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
}

/// Turns an SDK error into a failure. The operator can fix the topic, its policy and its key while the message is being
/// retried; only a message that SNS rejects as invalid is given up.
///
/// The error text of SNS names the topic and the account. It goes into the log, and not into the detail, which the
/// organization can read.
fn failed(error: &SdkError<PublishError>) -> DeliveryFailure {
    tracing::warn!(error = %DisplayErrorContext(error), "failed to publish to the topic");
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    let advice = match error {
        SdkError::ConstructionFailure(_) => RetryAdvice::GiveUp,
        _ if code.is_some_and(|code| INVALID.contains(&code)) => RetryAdvice::GiveUp,
        _ => RetryAdvice::Retry { after: None },
    };
    let what = match error {
        SdkError::ServiceError(_) => code.unwrap_or("an error"),
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ConstructionFailure(_) => "the message cannot be put into a request",
        _ => "an answer that cannot be read",
    };
    let status = error.raw_response().map(|response| response.status().as_u16());
    DeliveryFailure { advice, status, detail: format!("Publishing to the topic failed: {what}") }
}

#[cfg(test)]
mod tests;
