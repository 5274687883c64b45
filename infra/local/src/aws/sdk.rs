//! SDK clients for an endpoint on this machine.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

/// The access key that is used where nobody cares.
pub const ACCESS_KEY: &str = "local";

/// Endpoints on this machine take any credentials, but the SDK insists on some. There are engines that show each access
/// key tables of its own.
fn credentials(access_key: &str) -> Credentials {
    Credentials::new(access_key, "local", None, None, "fleetledger")
}

/// A client of the tables at `endpoint`.
pub fn dynamodb(endpoint: &str, access_key: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials(access_key))
        .endpoint_url(endpoint);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A client of the tables' streams at `endpoint`.
pub fn streams(endpoint: &str, access_key: &str) -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials(access_key))
        .endpoint_url(endpoint);
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}
