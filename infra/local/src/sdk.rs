//! SDK clients for an endpoint on this machine.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

/// Endpoints on this machine take any credentials, but the SDK insists on some.
fn credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "fleetledger")
}

/// A client of the tables at `endpoint`.
pub fn dynamodb(endpoint: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials())
        .endpoint_url(endpoint);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A client of the tables' streams at `endpoint`.
pub fn streams(endpoint: &str) -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials())
        .endpoint_url(endpoint);
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}
