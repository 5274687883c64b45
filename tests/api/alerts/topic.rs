//! The topic to which the alerts of all organizations are published, in addition to their own webhooks.

use std::collections::BTreeMap;

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use budget_alerts::BudgetAlerts;
use budget_alerts::topic::Topic;
use serde_json::{Value, json};

use super::{RUNS, TIME, Watch, channels};
use crate::support::receiver::{Received, Receiver, Reply};
use crate::support::tables::budget_alerts_of;

const TAKEN: &str = r#"<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>2</RequestId></ResponseMetadata></PublishResponse>"#;

/// A topic whose endpoint is `receiver`.
fn topic(receiver: &Receiver) -> Topic {
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .retry_config(aws_sdk_sns::config::retry::RetryConfig::disabled())
        .endpoint_url(format!("http://127.0.0.1:{}", receiver.port()));
    Topic::new(aws_sdk_sns::Client::from_conf(config.build()), "arn:aws:sns:us-east-1:1:alerts")
}

fn form(received: &Received) -> BTreeMap<String, String> {
    form_urlencoded::parse(&received.body).into_owned().collect()
}

#[tokio::test]
async fn the_topic_gets_the_same_bytes_and_has_its_own_delivery_state() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    watch.spend("nova", "60").await;
    let service = Receiver::start().await;
    service.answers(Reply::With(500, vec![], "<ErrorResponse/>".to_owned()));
    let stack = &watch.world.stack;
    let channels = channels().with_topic(topic(&service));
    let function = BudgetAlerts::new(budget_alerts_of(stack.tables()), stack.clock().clone(), channels);
    let counts = function.handle(json!({}), TIME).await.unwrap();
    assert_eq!((&counts["sent"], &counts["retried"]), (&json!(1), &json!(1)));
    let alert = watch.list("?status=pending").await.remove(0);
    let state =
        |at: usize| (alert["deliveries"][at]["outlet"].clone(), alert["deliveries"][at]["state"].clone());
    assert_eq!(
        (state(0), state(1)),
        ((json!("topic"), json!("pending")), (json!("webhook"), json!("delivered")))
    );
    assert!(!alert.to_string().contains("arn:"));

    watch.wait(RUNS);
    service.answers(Reply::With(200, vec![("content-type", "text/xml".to_owned())], TAKEN.to_owned()));
    let counts = function.handle(json!({}), TIME).await.unwrap();
    assert_eq!((&counts["sent"], &counts["retried"]), (&json!(1), &json!(0)));
    let (posted, published) = (watch.receiver.only(), service.received());
    assert_eq!(published.len(), 2);
    for form in published.iter().map(form) {
        assert_eq!(form["MessageStructure"], "json");
        let by_protocol: Value = serde_json::from_str(&form["Message"]).unwrap();
        assert_eq!(by_protocol["default"].as_str().unwrap().as_bytes(), posted.body);
        assert!(by_protocol["email"].as_str().unwrap().contains("\nBudget: 100.00 USD\n"), "{by_protocol}");
        assert!(
            form.iter().any(|(name, value)| name.ends_with(".StringValue") && value == posted.id()),
            "{form:?}"
        );
        let subject = "acme: the organization has cost 60.00 USD in 2026-09: 60 % of its budget of 100.00 USD (threshold 5";
        assert_eq!(form["Subject"], subject);
    }
    assert_eq!(watch.list("?status=sent").await.len(), 1);
}
