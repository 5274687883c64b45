//! The Lambda function `aggregator`.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::config::Config;
use runtime::metrics;
use store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    // The connection is not warmed: nobody waits for the first delivery, and the role allows no query to warm it with.
    let store = Store::from_env(&Config::without_auth()?.tables).await;
    let aggregator = &aggregator::Aggregator::new(store);
    let handle = |event: LambdaEvent<_>| metrics::printed("aggregator", aggregator.handle(event.payload));
    lambda_runtime::run(service_fn(handle)).await
}
