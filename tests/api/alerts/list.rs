//! The list of alerts.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Watch;
use crate::support::faults;
use crate::support::receiver::Reply;

#[tokio::test]
async fn an_organisation_without_alerts_has_an_empty_list() {
    let watch = Watch::new().await;
    assert_eq!(watch.world.caller("nobody").get("/api/alerts").await, json!({ "items": [] }));
}

#[tokio::test]
async fn the_newest_come_first_and_show_no_secret() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    watch.told().await;
    watch.receiver.answers(Reply::Status(503));
    watch.spend("nova", "25").await;
    watch.told().await;
    let all = watch.list("").await;
    let brief = |alert: &Value| (alert["status"].clone(), alert["threshold_percent"].clone());
    assert_eq!(
        all.iter().map(brief).collect::<Vec<_>>(),
        [(json!("pending"), json!(80)), (json!("sent"), json!(50))]
    );
    let host = watch.receiver.url().split('/').nth(2).unwrap().to_owned();
    let failed = &all[0]["deliveries"][0];
    assert!(failed["next_attempt_at"].as_str().unwrap() > "2026-09-15T12:09:00Z");
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
    // Money is a number here.
    assert_eq!((&all[0]["cost"], &all[0]["budget"]), (&json!(85), &json!(100)));
    assert!(!Value::from(all).to_string().contains("sesame"));
    assert_eq!(watch.list("?limit=1").await.len(), 1);
    assert_eq!(watch.list("?status=sent").await.len(), 1);
    assert_eq!(watch.list("?status=superseded&limit=500").await.len(), 0);
    let answer = watch.world.caller("acme").try_get("/api/alerts?limit=0&status=x").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faults(&answer.body["detail"]), ["query.limit greater_than_equal", "query.status enum"]);
}

#[tokio::test]
async fn another_organisation_sees_none_of_it_and_delivers_none_of_it() {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100 })).await;
    watch.spend("nova", "60").await;
    watch.told().await;
    let id = watch.list("").await[0]["id"].as_str().unwrap().to_owned();
    let stranger = watch.world.caller("stranger");
    assert_eq!(stranger.get("/api/alerts").await, json!({ "items": [] }));
    let ask =
        async |id: &str| stranger.send(Method::POST, &format!("/api/alerts/{id}/redeliver"), &[], "").await;
    let (theirs, nobodys) = (ask(&id).await, ask("msg_x").await);
    assert_eq!((theirs.status, theirs.body), (StatusCode::NOT_FOUND, nobodys.body));
    assert!(watch.told().await.is_empty());
}

#[tokio::test]
async fn asking_for_an_alert_again_is_told_in_the_activity_log() {
    let watch = Watch::new().await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 10 })).await;
    watch.spend("nova", "10").await;
    let told = watch.told().await;
    let answer = watch.redeliver(told[0].id()).await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("pending")));
    watch.world.stack.drain().await;
    let entries = watch.world.caller("acme").get("/api/activity?agentId=nova&eventType=config_change").await;
    let what = format!("alert {}", told[0].id());
    let details = &entries["data"][0]["details"];
    assert_eq!(details["what"], json!(what));
    assert_eq!(details["after"], json!({ "due": [{ "kind": "webhook", "id": "ops" }] }));
    let again = watch.told().await;
    assert_eq!((again[0].id(), &again[0].body), (told[0].id(), &told[0].body));
    assert!(watch.told().await.is_empty());
}
