//! What a failed call means to its caller.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::error::Error;

/// Error codes after which the same call may succeed.
const TRANSIENT: [&str; 8] = [
    "InternalServerError",
    "InternalServerErrorException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "LimitExceededException",
];

/// The error of a failed call: [`Error::Unavailable`] where the same call may succeed later.
pub fn failed<E, R>(operation: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let text = format!("{operation}: {}", summary(error));
    let transient = match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(service) => service.err().code().is_some_and(|code| TRANSIENT.contains(&code)),
        _ => false,
    };
    if transient { Error::Unavailable(text) } else { Error::Internal(text) }
}

/// The code and message of an error, or its causes, for the log. The SDK's own text would show the whole response,
/// which may hold customer data.
fn summary<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let SdkError::ServiceError(service) = error {
        let (code, message) = (service.err().code(), service.err().message());
        return format!("{}: {}", code.unwrap_or("no code"), message.unwrap_or("no message"));
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Whether an item was refused because it would exceed 400 KB. DynamoDB has no error code for this, only a message.
pub fn is_too_large(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationException")
        && error.message().is_some_and(|message| message.to_ascii_lowercase().contains("item size"))
}
