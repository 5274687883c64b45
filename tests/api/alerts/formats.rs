//! Messages for Slack and Teams.

use http::Method;
use serde_json::{Value, json};

use super::Watch;
use crate::support::receiver::{Receiver, Reply};
use crate::support::registry::Registry;
use crate::support::{World, faults};

#[tokio::test]
async fn each_destination_gets_its_own_format_and_the_same_id() {
    let watch = Watch::new().await;
    let (slack, teams) = (Receiver::start().await, Receiver::start().await);
    for (id, receiver) in [("slack", &slack), ("teams", &teams)] {
        let body = json!({ "url": receiver.url(), "format": id });
        watch.put(&format!("/api/alerts/destinations/{id}"), &body).await;
    }
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    watch.spend("nova", "60").await;
    let counts = watch.run().await;
    assert_eq!(counts["sent"], 3);
    let own = watch.receiver.only();
    let summary = own.json()["data"]["summary"].clone();
    let (slack, teams) = (slack.only(), teams.only());
    assert_eq!(slack.json()["text"], summary);
    assert_eq!(teams.json()["attachments"][0]["content"]["body"][0]["text"], summary);
    assert_eq!((slack.id(), teams.id()), (own.id(), own.id()));
}

#[tokio::test]
async fn a_test_message_has_the_format_of_its_destination() {
    let registry = Registry::of(World::new().await, |config| config.allow_local_webhooks = true);
    let receiver = Receiver::start().await;
    receiver.answers(Reply::Status(200));
    registry.put("/api/alerts/destinations/ops", &json!({ "url": receiver.url(), "format": "slack" })).await;
    let list = registry.get("/api/alerts/destinations").await;
    assert_eq!(list["items"][0]["format"], "slack");
    let outcome = registry.send("acme", Method::POST, "/api/alerts/destinations/ops/test", &[], "").await;
    assert_eq!(outcome.body["delivered"], true);
    assert_eq!(receiver.only().json()["text"], "A test message for the destination ops of acme.");
    let wrong = json!({ "url": receiver.url(), "format": "xml" });
    let wrong = registry.try_put("/api/alerts/destinations/ops", &wrong).await;
    assert_eq!(faults(&wrong.body["detail"]), ["body.format enum"]);
    // Back to the default, which is not shown.
    registry.put("/api/alerts/destinations/ops", &json!({ "url": receiver.url() })).await;
    assert_eq!(registry.get("/api/alerts/destinations").await["items"][0].get("format"), None::<&Value>);
}
