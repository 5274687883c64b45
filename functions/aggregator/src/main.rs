//! The Lambda function `aggregator`.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::clock::Clock;
use runtime::config::Config;
use runtime::metrics;
use runtime::tables::{Database, Tables as _};
use serde_json::value::RawValue;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    // The connection is not warmed: nobody waits for the first delivery, and the role allows no query to warm it with.
    let tables = aggregator::Tables::open(&Database::from_env(&Config::without_auth()?.tables).await)?;
    let aggregator = &aggregator::Aggregator::new(tables, Clock::system());
    // The payload stays as it came: it is up to 6 MB, and parsed once, record by record.
    let handle = |event: LambdaEvent<Box<RawValue>>| async move {
        metrics::printed("aggregator", aggregator.handle_json(event.payload.get())).await
    };
    lambda_runtime::run(service_fn(handle)).await
}
