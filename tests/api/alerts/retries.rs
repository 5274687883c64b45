//! Receivers that fail, hang, redirect, refuse, and recover.

use std::time::Duration;

use chrono::TimeDelta;
use ledger::alert::MAX_ATTEMPTS;
use serde_json::{Value, json};

use super::{RUNS, Watch, channels, states};
use crate::support::receiver::{Receiver, Reply};
use crate::support::tables::budget_alerts_of;

async fn crossed() -> Watch {
    let watch = Watch::new().await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    watch.spend("nova", "60").await;
    watch
}

async fn delivery(watch: &Watch) -> Value {
    watch.list("").await[0]["deliveries"][0].clone()
}

#[tokio::test]
async fn a_failed_delivery_is_retried_with_the_same_id_and_bytes() {
    let watch = crossed().await;
    let failures = [
        Reply::Status(500),
        Reply::Hang,
        Reply::With(302, vec![("location", watch.receiver.url())], String::new()),
        Reply::Close,
    ];
    for (nth, reply) in failures.into_iter().enumerate() {
        watch.receiver.answers(reply);
        let counts = watch.run().await;
        assert_eq!((&counts["retried"], &counts["sent"]), (&json!(1), &json!(0)));
        let delivery = delivery(&watch).await;
        assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("pending"), &json!(nth + 1)));
        assert!(!delivery["last_failure"].as_str().unwrap().contains("sesame"));
        // Not before the time of the next attempt.
        let next = super::at(delivery["next_attempt_at"].as_str().unwrap());
        watch.wait(next - watch.now() - TimeDelta::milliseconds(1));
        assert!(watch.run_and_receive().await.is_empty());
    }
    watch.receiver.answers(Reply::Status(204));
    watch.run().await;
    let received = watch.receiver.received();
    // The first attempt was made twice, and the redirect was not followed.
    assert_eq!(received.len(), 6);
    assert!(received.iter().all(|one| one.id() == received[0].id() && one.body == received[0].body));
    assert_ne!(received[0].header("webhook-timestamp"), received[5].header("webhook-timestamp"));
    let delivery = delivery(&watch).await;
    assert_eq!((&delivery["state"], &delivery["last_failure"]), (&json!("delivered"), &Value::Null));
}

#[tokio::test]
async fn a_receiver_that_recovers_within_seconds_gets_the_alert_in_the_same_run() {
    let watch = crossed().await;
    watch.receiver.answers(Reply::Status(503));
    let recover = async {
        while watch.receiver.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        watch.receiver.answers(Reply::Status(204));
    };
    let (counts, ()) = tokio::join!(watch.run(), recover);
    assert_eq!((&counts["sent"], &counts["retried"]), (&json!(1), &json!(0)));
    let received = watch.receiver.received();
    assert_eq!((received.len(), received[0].id()), (2, received[1].id()));
    assert_eq!(delivery(&watch).await["attempts"], 1);
}

#[tokio::test]
async fn retry_after_postpones_the_next_attempt() {
    let watch = crossed().await;
    watch.receiver.answers(Reply::With(429, vec![("retry-after", "7200".to_owned())], String::new()));
    watch.run_and_receive().await;
    assert_eq!(delivery(&watch).await["next_attempt_at"], "2026-09-15T14:00:00Z");
}

#[tokio::test]
async fn a_410_ends_the_delivery() {
    let watch = crossed().await;
    watch.receiver.answers(Reply::With(410, vec![], "no more".to_owned()));
    let counts = watch.run().await;
    assert_eq!(counts["gone"], 1);
    let delivery = delivery(&watch).await;
    assert_eq!(
        (&delivery["state"], &delivery["last_failure"]),
        (&json!("gone"), &json!("The receiver answered 410: no more"))
    );
    assert_eq!(states(&watch.list("").await), ["sent actual 50"]);
    watch.wait(TimeDelta::days(2));
    assert!(watch.run_and_receive().await.is_empty());
}

#[tokio::test]
async fn a_delivery_is_dead_lettered_after_a_day_and_can_be_requested_again() {
    let watch = crossed().await;
    let begun = watch.now();
    watch.receiver.answers(Reply::Status(503));
    for attempt in 1..=MAX_ATTEMPTS {
        let received = watch.run_and_receive().await;
        // The first attempt is made twice.
        let tries = if attempt == 1 { 2 } else { 1 };
        assert_eq!((received.len(), delivery(&watch).await["attempts"].clone()), (tries, json!(attempt)));
        let next = delivery(&watch).await["next_attempt_at"].as_str().map(super::at);
        watch.wait(next.map_or(TimeDelta::zero(), |next| (next - watch.now()).max(TimeDelta::zero())));
    }
    assert!(watch.now() - begun >= TimeDelta::hours(24));
    assert_eq!(states(&watch.list("?status=dead_lettered").await), ["dead_lettered actual 50"]);
    watch.receiver.answers(Reply::Status(204));
    watch.wait(TimeDelta::days(30));
    assert!(watch.run_and_receive().await.is_empty());
    let id = watch.list("").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(watch.redeliver(&id).await.body["deliveries"][0]["attempts"], 0);
    let redelivered = watch.run_and_receive().await;
    let received = watch.receiver.received();
    assert_eq!((redelivered[0].id(), &redelivered[0].body), (received[0].id(), &received[0].body));
    assert_eq!(states(&watch.list("").await), ["sent actual 50"]);
}

#[tokio::test]
async fn a_destination_gets_the_alerts_decided_while_it_exists() {
    let watch = crossed().await;
    watch.receiver.answers(Reply::Status(503));
    watch.run_and_receive().await;
    let (early, late) = (&watch.receiver, Receiver::start().await);
    watch.put("/api/alerts/destinations/late", &json!({ "url": late.url() })).await;
    watch.put("/api/agents/nova", &json!({ "cost_budget_monthly": 10 })).await;
    watch.run_and_receive().await;
    // Only the alert decided after it was created.
    assert_eq!(late.received().len(), 1);
    assert_eq!(late.only().id(), early.received().last().unwrap().id());
    watch.delete("/api/alerts/destinations/ops").await;
    watch.wait(TimeDelta::hours(1));
    let counts = watch.run().await;
    assert_eq!((&counts["gone"], &counts["retried"]), (&json!(2), &json!(0)));
    assert_eq!(states(&watch.list("").await), ["sent actual 50", "sent actual 50"]);
    let last = watch.list("?status=sent").await;
    assert_eq!(last[1]["deliveries"][0]["last_failure"], "The destination was deleted.");
}

#[tokio::test]
async fn a_hanging_destination_delays_only_its_own_messages() {
    let watch = Watch::new().await;
    let hangs = Receiver::start().await;
    hangs.answers(Reply::Hang);
    // Sorted before the other destination by name.
    watch.put("/api/alerts/destinations/hangs", &json!({ "url": hangs.url() })).await;
    for agent in 0..10 {
        watch.put(&format!("/api/agents/a{agent}"), &json!({ "cost_budget_monthly": 1 })).await;
        watch.spend(&format!("a{agent}"), "2").await;
    }
    let counts = watch.run().await;
    // After one timeout the rest of its messages are left to the next run.
    assert_eq!((&counts["sent"], &counts["retried"]), (&json!(10), &json!(1)));
    assert_eq!((watch.receiver.received().len(), hangs.received().len()), (10, 1));
    hangs.answers(Reply::Status(200));
    watch.wait(RUNS);
    let counts = watch.run().await;
    assert_eq!((&counts["sent"], &counts["retried"]), (&json!(10), &json!(0)));
    assert_eq!((watch.receiver.received().len(), hangs.received().len()), (10, 11));
}

#[tokio::test]
async fn alerts_without_a_destination_are_listed_as_sent() {
    let watch = Watch::new().await;
    watch.delete("/api/alerts/destinations/ops").await;
    watch.put("/api/budget", &json!({ "monthly": 100, "thresholds": [50] })).await;
    watch.spend("nova", "60").await;
    let counts = watch.run().await;
    assert_eq!((&counts["decided"], &counts["sent"]), (&json!(1), &json!(0)));
    let alerts = watch.list("").await;
    assert_eq!((states(&alerts), &alerts[0]["deliveries"]), (vec!["sent actual 50".to_owned()], &json!([])));
    assert_eq!(watch.redeliver(alerts[0]["id"].as_str().unwrap()).await.status, 409);
}

#[tokio::test]
async fn the_local_stack_prints_each_alert_once() {
    use std::sync::{Arc, Mutex};
    let watch = crossed().await;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let print = lines.clone();
    let channels =
        channels().with_printer(Arc::new(move |line: &str| print.lock().unwrap().push(line.to_owned())));
    let stack = &watch.world.stack;
    let function =
        budget_alerts::BudgetAlerts::new(budget_alerts_of(stack.tables()), stack.clock().clone(), channels);
    function.handle(json!({}), super::TIME).await.unwrap();
    function.handle(json!({}), super::TIME).await.unwrap();
    let expected = [
        "acme: the organization has cost 60.00 USD in 2026-09: 60 % of its budget of 100.00 USD (threshold 50 %).",
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}
