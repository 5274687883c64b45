//! The Lambda function `exporter`.

use exporter::{Bucket, Exporter, Place, Tables};
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::clock::Clock;
use runtime::config::Config;
use runtime::metrics;
use runtime::tables::{Database, Tables as _};
use runtime::time_left;
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    let config = Config::without_auth()?;
    let tables = Tables::open(&Database::from_env(&config.tables).await)?;
    tables.warm().await;
    let place = match &config.export_bucket {
        Some(bucket) => Place::Bucket(Bucket::from_env(bucket).await?),
        None => Place::Nowhere,
    };
    let exporter = &Exporter::new(tables, place, Clock::system(), config.event_retention_days);
    let handle = |event: LambdaEvent<Value>| {
        metrics::printed("exporter", exporter.handle(time_left(event.context.deadline())))
    };
    lambda_runtime::run(service_fn(handle)).await
}
