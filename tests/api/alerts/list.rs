//! `/api/alerts` and `/api/alerts/{id}/redeliver`.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use ledger::period;
use serde_json::{Value, json};

use super::{RUNS, Watch};
use crate::support::faults;
use crate::support::receiver::{Received, Receiver, Reply};
use crate::support::registry::text;

#[tokio::test]
async fn an_organization_without_alerts_has_an_empty_list() {
    let watch = Watch::new().await;
    assert_eq!(watch.world.caller("nobody").get("/api/alerts").await, json!({ "items": [] }));
}

#[tokio::test]
async fn the_newest_come_first_and_no_secret_is_shown() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    watch.run_and_receive().await;
    watch.receiver.answers(Reply::Status(503));
    watch.spend("nova", "25").await;
    watch.run_and_receive().await;
    let all = watch.list("").await;
    let brief = |alert: &Value| (alert["status"].clone(), alert["threshold_percent"].clone());
    assert_eq!(
        all.iter().map(brief).collect::<Vec<_>>(),
        [(json!("pending"), json!(80)), (json!("sent"), json!(50))]
    );
    let host = watch.receiver.url().split('/').nth(2).unwrap().to_owned();
    let failed = &all[0]["deliveries"][0];
    let at = |text: &str| period::parse_instant(text).unwrap();
    assert!(at(failed["next_attempt_at"].as_str().unwrap()) >= at("2026-09-15T12:09:00Z"));
    let mut failed = failed.clone();
    failed["next_attempt_at"] = Value::Null;
    let delivery = json!({
        "outlet": "webhook", "destination": "ops", "host": host, "state": "pending", "attempts": 1,
        "next_attempt_at": null, "delivered_at": null, "last_failure": "The receiver answered 503",
    });
    assert_eq!(failed, delivery);
    let delivery = json!({
        "outlet": "webhook", "destination": "ops", "host": host, "state": "delivered", "attempts": 1,
        "next_attempt_at": null, "delivered_at": "2026-09-15T12:00:00Z", "last_failure": null,
    });
    assert_eq!(all[1]["deliveries"], json!([delivery]));
    // Money is a number in /api.
    assert_eq!((&all[0]["cost"], &all[0]["budget"]), (&json!(85), &json!(100)));
    assert!(!Value::from(all).to_string().contains("sesame"));
    assert_eq!(watch.list("?limit=1").await.len(), 1);
    assert_eq!(watch.list("?status=sent").await.len(), 1);
    assert_eq!(watch.list("?status=superseded&limit=500").await.len(), 0);
    let response = watch.world.caller("acme").try_get("/api/alerts?limit=0&status=x").await;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faults(&response.body["detail"]), ["query.limit greater_than_equal", "query.status enum"]);
}

#[tokio::test]
async fn another_organization_cannot_see_or_redeliver_an_alert() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    watch.run_and_receive().await;
    let id = watch.list("").await[0]["id"].as_str().unwrap().to_owned();
    let stranger = watch.world.caller("stranger");
    assert_eq!(stranger.get("/api/alerts").await, json!({ "items": [] }));
    let ask =
        async |id: &str| stranger.send(Method::POST, &format!("/api/alerts/{id}/redeliver"), &[], "").await;
    let (theirs, nobodys) = (ask(&id).await, ask("msg_x").await);
    assert_eq!((theirs.status, theirs.body), (StatusCode::NOT_FOUND, nobodys.body));
    assert!(watch.run_and_receive().await.is_empty());
}

#[tokio::test]
async fn a_redelivery_is_recorded_in_the_activity_log() {
    let watch = Watch::new().await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 10 })).await;
    watch.spend("nova", "10").await;
    let received = watch.run_and_receive().await;
    let response = watch.redeliver(received[0].id()).await;
    assert_eq!((response.status, &response.body["status"]), (StatusCode::OK, &json!("pending")));
    watch.world.stack.drain().await;
    let entries = watch.world.caller("acme").get("/api/activity?agentId=nova&eventType=config_change").await;
    let what = format!("alert {}", received[0].id());
    let details = &entries["data"][0]["details"];
    assert_eq!(details["what"], json!(what));
    assert_eq!(details["after"], json!({ "due": [{ "kind": "webhook", "id": "ops" }] }));
    let again = watch.run_and_receive().await;
    assert_eq!((again[0].id(), &again[0].body), (received[0].id(), &received[0].body));
    assert!(watch.run_and_receive().await.is_empty());
}

#[tokio::test]
async fn a_destination_learns_of_the_alerts_that_it_missed_and_gets_them_on_request() {
    let watch = Watch::new().await;
    let receiver = Receiver::start().await;
    watch.put("/api/budget", &json!({ "monthly": 20, "thresholds": [50], "forecast": false })).await;
    watch.spend("nova", "10").await;
    let sent = watch.run_and_receive().await;
    // This one is decided when there is no channel at all.
    watch.delete("/api/alerts/destinations/ops").await;
    watch.spend("nova", "6").await;
    watch.put("/api/budget", &json!({ "monthly": 20, "thresholds": [80], "forecast": false })).await;
    watch.run().await;
    watch.wait(RUNS);
    let caller = watch.world.caller("acme");
    let settings = json!({ "url": receiver.url() });
    let added = caller.put("/api/alerts/destinations/late", &settings).await;
    let missed: Vec<_> = added["earlier_alerts"].as_array().unwrap().iter().map(text).collect();
    assert_eq!((missed.len(), missed[1]), (2, sent[0].id()), "{added}");
    // A later PUT adds nothing, so it says nothing.
    let replaced = caller.put("/api/alerts/destinations/late", &settings).await;
    assert_eq!(replaced["earlier_alerts"], json!(null));
    for id in &missed {
        assert_eq!(watch.redeliver(id).await.status, StatusCode::OK);
    }
    watch.run().await;
    let received = receiver.received();
    let mut ids: Vec<_> = received.iter().map(Received::id).collect();
    ids.sort_by_key(|id| missed.iter().position(|missed| missed == id));
    assert_eq!(ids, missed);
    assert!(received.iter().any(|one| one.body == sent[0].body));
    // Next month nothing of this one is left to be told.
    watch.wait(TimeDelta::days(30));
    let added = caller.put("/api/alerts/destinations/later", &settings).await;
    assert_eq!(added["earlier_alerts"], json!(null));
}
