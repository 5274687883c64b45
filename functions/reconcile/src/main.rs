//! The Lambda function `reconcile`.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::clock::Clock;
use runtime::config::Config;
use runtime::metrics;
use runtime::time_left;
use store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    let config = Config::without_auth()?;
    let store = Store::from_env(&config.tables).await;
    store.warm().await;
    let reconciler = &reconcile::Reconciler::new(store, Clock::system(), config.event_retention_days);
    let handle = |event: LambdaEvent<_>| {
        metrics::printed("reconcile", reconciler.handle(event.payload, time_left(event.context.deadline())))
    };
    Box::pin(lambda_runtime::run(service_fn(handle))).await
}
