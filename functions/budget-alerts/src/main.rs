//! The Lambda function `budget-alerts`.

use budget_alerts::topic::Topic;
use budget_alerts::{BudgetAlerts, Channels};
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::clock::Clock;
use runtime::config::Config;
use runtime::metrics;
use runtime::time_left;
use store::Store;
use webhook::{Policy, Webhooks};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::logs::init();
    let config = Config::without_auth()?;
    let store = Store::from_env(&config.tables).await;
    store.warm().await;
    let mut channels = Channels::new(Webhooks::new(Policy::new(config.allow_local_webhooks))?);
    if let Some(arn) = &config.alerts_topic_arn {
        channels = channels.with_topic(Topic::from_env(arn).await);
    }
    let alerts = &BudgetAlerts::new(store, Clock::system(), channels);
    let handle = |event: LambdaEvent<_>| {
        metrics::printed("budget-alerts", alerts.handle(event.payload, time_left(event.context.deadline())))
    };
    Box::pin(lambda_runtime::run(service_fn(handle))).await
}
