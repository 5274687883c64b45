//! The Lambda function `reconcile`.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::clock::Clock;
use runtime::config::Config;
use runtime::metrics;
use runtime::tables::{Database, Tables as _};
use runtime::time_left;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    let config = Config::without_auth()?;
    let tables = reconcile::Tables::open(&Database::from_env(&config.tables).await)?;
    tables.warm().await;
    let reconciler = &reconcile::Reconciler::new(tables, Clock::system(), config.event_retention_days);
    let handle = |event: LambdaEvent<_>| {
        metrics::printed("reconcile", reconciler.handle(event.payload, time_left(event.context.deadline())))
    };
    Box::pin(lambda_runtime::run(service_fn(handle))).await
}
