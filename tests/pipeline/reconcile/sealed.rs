//! A sealed day: its marks go, it stays exact, and an event that comes after all is counted by computing it anew.

use ledger::ids::OrgId;
use ledger::period::Day;
use serde_json::json;
use store::keys::{SEALED, is_mark};

use super::Books;
use crate::support::events::call;
use crate::support::noon;

const DAY: &str = "2026-09-15";

#[tokio::test]
async fn sealing_takes_the_marks_and_changes_no_figure() {
    let books = Books::new().await;
    let figures = books.figures("acme").await;
    let report = books.prove("acme", DAY, "seal").await;
    assert_eq!(report["drift"], 0);
    let items = books.usage().await;
    let day = items.get(&super::key("acme", "D#2026-09-15")).unwrap();
    assert!(day.contains_key(SEALED) && !day.keys().any(|name| is_mark(name)), "{day:?}");
    let sealed = items.values().filter(|item| item.contains_key(SEALED)).count();
    assert_eq!(report["days"][0]["sealed"], sealed);
    assert_eq!(books.figures("acme").await, figures);
    let again = books.prove("acme", DAY, "seal").await;
    assert_eq!(again["half_write_units"], 0, "{again}");
}

#[tokio::test]
async fn a_redelivery_to_a_sealed_day_changes_nothing() {
    let books = Books::new().await;
    books.prove("acme", DAY, "seal").await;
    let figures = books.figures("acme").await;
    books.world.stack.redeliver().await;
    assert_eq!(books.figures("acme").await, figures);
    // It could have been something new, so the day is computed once more, and is as it was.
    let report = books.ask(json!({ "do": "dirty" })).await.unwrap();
    assert_eq!((&report["days_proved"], &report["repaired"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(books.figures("acme").await, figures);
    assert_eq!(books.ask(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 0);
}

#[tokio::test]
async fn a_day_that_is_marked_again_while_it_is_computed_stays_marked() {
    let books = Books::new().await;
    let (store, org) = (books.world.stack.store(), OrgId::new("acme").unwrap());
    let day = Day::parse(DAY).unwrap();
    let marked = async |asker: &str| {
        store.mark_dirty(&org, day, asker).await.unwrap();
        store.dirty(&org, day).await.unwrap().unwrap()
    };
    let token = marked("first").await;
    // By somebody else, and by the same delivery, which has come again.
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
async fn an_event_that_comes_to_a_sealed_day_after_all_is_counted_once() {
    let books = Books::new().await;
    books.prove("acme", DAY, "seal").await;
    let mut late = call("late", noon());
    late["data"]["agent_id"] = json!("newcomer");
    books.world.caller("acme").record(&[late]).await;
    // Twice, as a stream may bring it.
    books.world.stack.redeliver().await;
    let total = async || books.figures("acme").await[0]["total_requests"].clone();
    assert_eq!(total().await, 6);
    assert_eq!(books.prove("acme", DAY, "").await["drift"], 0, "a day that waits does not drift");
    let report = books.ask(json!({ "do": "dirty" })).await.unwrap();
    assert!(report["repaired"].as_u64() > Some(0), "{report}");
    assert_eq!(total().await, 7);
    assert_eq!(books.ask(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 0);
    assert_eq!(books.prove("acme", DAY, "repair").await["half_write_units"], 0);
}
