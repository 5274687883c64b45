//! The Lambda function `budget-alerts`.

use lambda_runtime::{LambdaEvent, service_fn};
use shared::app::{Clock, init_logging, time_left};
use shared::config::Config;
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init_logging();
    let config = Config::without_auth()?;
    let store = Store::from_env(&config.tables).await;
    store.warm().await;
    let alerts = &budget_alerts::BudgetAlerts::new(store, Clock::system());
    let handle =
        async |event: LambdaEvent<_>| alerts.handle(event.payload, time_left(event.context.deadline())).await;
    lambda_runtime::run(service_fn(handle)).await
}
