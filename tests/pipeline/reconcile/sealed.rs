//! A sealed day has no marks and stays exact: a late event makes it dirty, so that it is recomputed.

use ledger::ids::OrgId;
use ledger::period::Day;
use serde_json::json;
use store::keys::{SEALED, is_mark};

use super::ReconcileFixture;
use crate::support::events::call;
use crate::support::noon;

const DAY: &str = "2026-09-15";

#[tokio::test]
async fn sealing_removes_the_marks_and_changes_no_figure() {
    let fixture = ReconcileFixture::new().await;
    let figures = fixture.figures("acme").await;
    let report = fixture.reconcile("acme", DAY, "seal").await;
    assert_eq!(report["drift"], 0);
    let items = fixture.usage().await;
    let day = items.get(&super::key("acme", "D#2026-09-15")).unwrap();
    assert!(day.contains_key(SEALED) && !day.keys().any(|name| is_mark(name)), "{day:?}");
    let sealed = items.values().filter(|item| item.contains_key(SEALED)).count();
    assert_eq!(report["days"][0]["sealed"], sealed);
    assert_eq!(fixture.figures("acme").await, figures);
    let again = fixture.reconcile("acme", DAY, "seal").await;
    assert_eq!(again["half_write_units"], 0, "{again}");
}

#[tokio::test]
async fn a_redelivery_to_a_sealed_day_changes_nothing() {
    let fixture = ReconcileFixture::new().await;
    fixture.reconcile("acme", DAY, "seal").await;
    let figures = fixture.figures("acme").await;
    fixture.world.stack.redeliver().await;
    assert_eq!(fixture.figures("acme").await, figures);
    // The aggregator cannot tell it from new events, so the day becomes dirty and is recomputed.
    let report = fixture.invoke(json!({ "do": "dirty" })).await.unwrap();
    assert_eq!((&report["days_proved"], &report["repaired"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(fixture.figures("acme").await, figures);
    assert_eq!(fixture.invoke(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 0);
}

#[tokio::test]
async fn a_day_marked_again_during_its_recompute_stays_dirty() {
    let fixture = ReconcileFixture::new().await;
    let (store, org) = (fixture.world.stack.store(), OrgId::new("acme").unwrap());
    let day = Day::parse(DAY).unwrap();
    let marked = async |asker: &str| {
        store.mark_dirty(&org, day, asker).await.unwrap();
        store.dirty_token(&org, day).await.unwrap().unwrap()
    };
    let token = marked("first").await;
    // By another delivery, and by the same one redelivered.
    for asker in ["second", "first"] {
        marked(asker).await;
        store.clear_dirty(&org, day, &token).await.unwrap();
        assert_eq!(store.dirty_days().await.unwrap(), [(org.clone(), day)]);
    }
    let token = marked("first").await;
    store.clear_dirty(&org, day, &token).await.unwrap();
    store.clear_dirty(&org, day, &token).await.unwrap();
    assert_eq!(store.dirty_days().await.unwrap(), []);
}

#[tokio::test]
async fn a_late_event_of_a_sealed_day_is_counted_once() {
    let fixture = ReconcileFixture::new().await;
    fixture.reconcile("acme", DAY, "seal").await;
    let mut late = call("late", noon());
    late["data"]["agent_id"] = json!("newcomer");
    fixture.world.caller("acme").record(&[late]).await;
    // Delivered twice.
    fixture.world.stack.redeliver().await;
    let total = async || fixture.figures("acme").await[0]["total_requests"].clone();
    assert_eq!(total().await, 6);
    assert_eq!(fixture.reconcile("acme", DAY, "").await["drift"], 0, "a dirty day does not drift");
    let report = fixture.invoke(json!({ "do": "dirty" })).await.unwrap();
    assert!(report["repaired"].as_u64() > Some(0), "{report}");
    assert_eq!(total().await, 7);
    assert_eq!(fixture.invoke(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 0);
    assert_eq!(fixture.reconcile("acme", DAY, "repair").await["half_write_units"], 0);
}
