//! The Lambda function `reconcile`.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::time_left;
use runtime::clock::Clock;
use runtime::logs::init;
use runtime::config::Config;
use runtime::metrics;
use store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init_logging();
    let config = Config::without_auth()?;
    let store = Store::from_env(&config.tables).await;
    store.warm().await;
    let reconciler = &reconcile::Reconciler::new(store, Clock::system(), config.event_retention_days);
    let handle = |event: LambdaEvent<_>| {
        metrics::printed("reconcile", reconciler.handle(event.payload, time_left(event.context.deadline())))
    };
    Box::pin(lambda_runtime::run(service_fn(handle))).await
}
