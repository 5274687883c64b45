//! The Lambda function `reconcile`.

use lambda_runtime::{LambdaEvent, service_fn};
use shared::app::{Clock, init_logging, time_left};
use shared::config::Config;
use shared::emf;
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init_logging();
    let config = Config::without_auth()?;
    let store = Store::from_env(&config.tables).await;
    store.warm().await;
    let reconciler = &reconcile::Reconciler::new(store, Clock::system(), config.event_retention_days);
    let handle = |event: LambdaEvent<_>| {
        emf::printed("reconcile", reconciler.handle(event.payload, time_left(event.context.deadline())))
    };
    Box::pin(lambda_runtime::run(service_fn(handle))).await
}
