//! SDK clients for an endpoint on this machine.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

/// The access key for endpoints that do not distinguish access keys.
pub const ACCESS_KEY: &str = "local";

/// Local endpoints accept any credentials, but the SDK requires some. Some engines keep separate tables per access key.
fn credentials(access_key: &str) -> Credentials {
    Credentials::new(access_key, "local", None, None, "fleetledger")
}

pub fn dynamodb(endpoint: &str, access_key: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials(access_key))
        .endpoint_url(endpoint);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

pub fn streams(endpoint: &str, access_key: &str) -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials(access_key))
        .endpoint_url(endpoint);
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}
