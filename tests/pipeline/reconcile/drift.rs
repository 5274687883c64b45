//! What differs from the raw events is found, named, and set right when that is asked for.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use reconcile::SETTLE;
use serde_json::{Value, json};
use store::keys::{PK, SK, VERSION};

use super::{Books, key, number};
use crate::support::events::call;
use crate::support::noon;
use crate::support::tables::names;

const DAYS: [&str; 3] = ["2026-09-13", "2026-09-14", "2026-09-15"];

#[tokio::test]
async fn what_was_counted_does_not_drift_and_the_proof_says_what_it_cost() {
    let books = Books::new().await;
    for org in ["acme", "bolt"] {
        let mut events = 0;
        for day in DAYS {
            let before = books.usage().await;
            let report = books.prove(org, day, "").await;
            assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
            assert!(report["half_read_units"].as_u64() >= Some(4), "{report}");
            assert_eq!(report["half_write_units"], 0);
            assert!(books.usage().await == before);
            events += report["events"].as_u64().unwrap();
        }
        // The zone of one was set, which left an entry.
        assert_eq!(events, if org == "acme" { 18 } else { 19 });
    }
}

/// Tampers with an item of a day, and expects that the columns are found, not touched, repaired, and right again.
async fn found_and_repaired(
    books: &Books,
    at: (&str, &str),
    columns: &[&str],
    change: impl FnOnce(&mut super::Item),
) {
    let (item, figures) = (key(at.0, at.1), books.figures("acme").await);
    books.tamper(&item, change).await;
    let tampered = books.usage().await;

    let report = books.prove("acme", "2026-09-14", "").await;
    let found: Vec<_> = report["days"][0]["differences"].as_array().unwrap().iter().collect();
    let named: Vec<_> = found.iter().map(|difference| difference["column"].as_str().unwrap()).collect();
    assert_eq!((&report["drift"], &named[..]), (&json!(columns.len()), columns), "{report}");
    assert!(found.iter().all(|difference| difference["pk"] == at.0 && difference["sk"] == at.1));
    assert!(books.usage().await == tampered, "to look changes nothing");

    let report = books.prove("acme", "2026-09-14", "repair").await;
    assert_eq!(report["repaired"], columns.len(), "{report}");
    assert_eq!(books.figures("acme").await, figures);
    let again = books.prove("acme", "2026-09-14", "repair").await;
    assert_eq!((&again["drift"], &again["half_write_units"]), (&json!(0), &json!(0)), "{again}");
}

#[tokio::test]
async fn a_number_that_is_too_great_too_small_or_made_up_is_found() {
    let books = Books::new().await;
    let day = ("acme", "D#2026-09-14");
    found_and_repaired(&books, day, &["tk"], |item| drop(item.insert("tk".to_owned(), number("2")))).await;
    found_and_repaired(&books, day, &["ms"], |item| drop(item.insert("ms".to_owned(), number("12.344"))))
        .await;
    found_and_repaired(&books, day, &["tf"], |item| drop(item.insert("tf".to_owned(), number("1")))).await;
    found_and_repaired(&books, day, &["ms", "tm"], |item| {
        item.remove("ms");
        item.remove("tm");
    })
    .await;
}

#[tokio::test]
async fn an_item_that_is_gone_is_made_anew() {
    let books = Books::new().await;
    let gone = |item: &mut super::Item| item.retain(|name, _| [PK, SK].contains(&name.as_str()));
    let log = ["D:tool_call", "L:tool_call", "V:tool_call"];
    found_and_repaired(&books, ("acme#L#atlas", "2026-09-14"), &log, gone).await;
}

#[tokio::test]
async fn compute_of_a_neighbouring_day_is_proved_by_its_own_day_alone() {
    let books = Books::new().await;
    // The sample that was told on the 14th ran on the 12th and the 13th; the one of the 15th ran on the 13th too.
    let at = ("acme#P#2026-09", "D#2026-09-13#site");
    found_and_repaired(&books, at, &["cs~1"], |item| drop(item.insert("cs~1".to_owned(), number("1")))).await;
    let at = ("acme#P#2026-09", "H#2026-09-13T05#site");
    found_and_repaired(&books, at, &["bi~1"], |item| drop(item.insert("bi~1".to_owned(), number("1")))).await;
}

#[tokio::test]
async fn end_users_that_are_missing_or_made_up_are_found() {
    let books = Books::new().await;
    let item = books.usage().await.into_keys().find(|key| key.pk == "acme#U#2026-09").unwrap();
    let day = item.sk.split_once('#').unwrap().0.to_owned();
    let made_up = AttributeValue::Bs(vec![aws_sdk_dynamodb::primitives::Blob::new([1; 8])]);
    books.tamper(&item, |item| drop(item.insert("u".to_owned(), made_up))).await;
    let figures = books.prove("acme", &day, "").await;
    assert_eq!(figures["drift"], 1, "{figures}");
    assert_eq!(books.prove("acme", &day, "repair").await["repaired"], 1);
    assert_eq!(books.prove("acme", &day, "").await["drift"], 0);
    // A made-up member makes the day dirty, so that it is looked at once more.
    assert_eq!(books.ask(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 1);
    assert_eq!(books.ask(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 0);
}

#[tokio::test]
async fn what_is_left_of_an_item_that_was_all_made_up_is_no_figure() {
    let books = Books::new().await;
    let figures = books.figures("acme").await;
    let made_up = AttributeValue::Bs(vec![aws_sdk_dynamodb::primitives::Blob::new([1; 8])]);
    for (at, column, value) in [
        (("acme#U#2026-09", "2026-09-14#77"), "u", made_up),
        (("acme#P#2026-09", "D#2026-09-14#nowhere"), "cs", number("1")),
        (("acme#P#2026-09", "H#2026-09-14T05#nowhere"), "cs", number("1")),
    ] {
        let key = super::key(at.0, at.1);
        books.tamper(&key, |item| drop(item.insert(column.to_owned(), value))).await;
        assert_ne!(books.figures("acme").await, figures, "{at:?}");
        assert_eq!(books.prove("acme", "2026-09-14", "repair").await["repaired"], 1, "{at:?}");
        assert!(books.usage().await.contains_key(&key), "{at:?}");
        assert_eq!(books.figures("acme").await, figures, "{at:?}");
    }
}

#[tokio::test]
async fn an_event_on_its_way_is_no_drift_until_it_should_have_arrived() {
    let books = Books::new().await;
    books.world.caller("acme").post(&json!([call("new", noon())])).await;
    let report = books.prove("acme", "2026-09-15", "repair").await;
    assert_eq!((&report["drift"], &report["repaired"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["days"][0]["behind"].as_u64() > Some(0), "{report}");
    books.wait(SETTLE - TimeDelta::seconds(1));
    assert_eq!(books.prove("acme", "2026-09-15", "").await["drift"], 0);
    books.wait(TimeDelta::seconds(2));
    let report = books.prove("acme", "2026-09-15", "").await;
    assert!(report["drift"].as_u64() > Some(0), "{report}");
    books.world.stack.drain().await;
    let report = books.prove("acme", "2026-09-15", "").await;
    assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
}

#[tokio::test]
async fn a_day_with_an_event_that_cannot_be_read_is_not_touched() {
    let books = Books::new().await;
    let client = books.world.stack.client();
    let key = store::keys::event_key(
        &ledger::ids::OrgId::new("acme").unwrap(),
        ledger::period::Day::parse("2026-09-14").unwrap(),
        "/elsewhere",
        "odd",
    );
    let mut item = books.empty(&key);
    item.insert(VERSION.to_owned(), number("99"));
    client.put_item().table_name(names().events).set_item(Some(item)).send().await.unwrap();
    let before = books.usage().await;
    let report = books.prove("acme", "2026-09-14", "seal").await;
    assert_eq!(report["unreadable"], 1);
    assert_eq!(report["days"][0]["unreadable_keys"], json!(["/elsewhere#odd"]));
    assert_eq!((&report["repaired"], &report["days"][0]["sealed"]), (&json!(0), &json!(0)));
    assert!(books.usage().await == before);
}

#[tokio::test]
async fn a_day_whose_events_may_have_expired_is_refused() {
    let books = Books::new().await;
    books.wait(TimeDelta::days(400));
    let asked = json!({ "do": "day", "org": "acme", "day": "2026-09-14", "repair": true });
    let refused = books.ask(asked).await.unwrap_err();
    assert!(refused.contains("no longer all kept"), "{refused}");
    assert!(books.ask(Value::Null).await.is_err());
}
