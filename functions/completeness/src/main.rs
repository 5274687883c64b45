//! The Lambda function `completeness`.

use aws_sdk_dynamodbstreams::Client;
use completeness::{Completeness, Tables};
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::clock::Clock;
use runtime::config::Config;
use runtime::metrics;
use runtime::tables::{Database, Tables as _};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    let config = Config::without_auth()?;
    let tables = Tables::open(&Database::from_env(&config.tables).await)?;
    let events = config.tables.events.ok_or("EVENTS_TABLE is not set; it is the name of a table")?;
    let streams = Client::new(store::aws::config().await);
    let completeness = &Completeness::new(tables, streams, events, Clock::system());
    let handle = |_: LambdaEvent<Value>| metrics::printed("completeness", completeness.handle());
    lambda_runtime::run(service_fn(handle)).await
}
