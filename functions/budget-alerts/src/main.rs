//! The Lambda function `budget-alerts`.

use budget_alerts::topic::Topic;
use budget_alerts::{BudgetAlerts, Channels};
use lambda_runtime::{LambdaEvent, service_fn};
use shared::app::{Clock, init_logging, time_left};
use shared::config::Config;
use shared::emf;
use shared::store::Store;
use shared::webhook::{Policy, Webhooks};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init_logging();
    let config = Config::without_auth()?;
    let store = Store::from_env(&config.tables).await;
    store.warm().await;
    let mut channels = Channels::new(Webhooks::new(Policy::of(&config))?);
    if let Some(arn) = &config.alerts_topic_arn {
        channels = channels.with_topic(Topic::from_env(arn).await);
    }
    let alerts = &BudgetAlerts::new(store, Clock::system(), channels);
    let handle = |event: LambdaEvent<_>| {
        emf::printed("budget-alerts", alerts.handle(event.payload, time_left(event.context.deadline())))
    };
    Box::pin(lambda_runtime::run(service_fn(handle))).await
}
