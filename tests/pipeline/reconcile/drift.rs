//! Drift from the raw events is found, reported, and repaired on request.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use reconcile::SETTLE;
use serde_json::{Value, json};
use store::keys::{PK, SK, VERSION};

use super::{ReconcileFixture, key, number};
use crate::support::events::call;
use crate::support::noon;
use crate::support::tables::names;

const DAYS: [&str; 3] = ["2026-09-13", "2026-09-14", "2026-09-15"];

#[tokio::test]
async fn aggregated_events_do_not_drift_and_the_report_states_its_cost() {
    let fixture = ReconcileFixture::new().await;
    for org in ["acme", "bolt"] {
        let mut events = 0;
        for day in DAYS {
            let before = fixture.usage().await;
            let report = fixture.reconcile(org, day, "").await;
            assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
            assert!(report["half_read_units"].as_u64() >= Some(4), "{report}");
            assert_eq!(report["half_write_units"], 0);
            assert!(fixture.usage().await == before);
            events += report["events"].as_u64().unwrap();
        }
        // Setting the zone left an audit entry.
        assert_eq!(events, if org == "acme" { 18 } else { 19 });
    }
}

/// Tampers with an item of a day and expects that the changed columns are reported without a repair, then repaired.
async fn found_and_repaired(
    fixture: &ReconcileFixture,
    at: (&str, &str),
    columns: &[&str],
    change: impl FnOnce(&mut super::Item),
) {
    let (item, figures) = (key(at.0, at.1), fixture.figures("acme").await);
    fixture.tamper(&item, change).await;
    let tampered = fixture.usage().await;

    let report = fixture.reconcile("acme", "2026-09-14", "").await;
    let found: Vec<_> = report["days"][0]["differences"].as_array().unwrap().iter().collect();
    let named: Vec<_> = found.iter().map(|difference| difference["column"].as_str().unwrap()).collect();
    assert_eq!((&report["drift"], &named[..]), (&json!(columns.len()), columns), "{report}");
    assert!(found.iter().all(|difference| difference["pk"] == at.0 && difference["sk"] == at.1));
    assert!(fixture.usage().await == tampered, "comparing changes nothing");

    let report = fixture.reconcile("acme", "2026-09-14", "repair").await;
    assert_eq!(report["repaired"], columns.len(), "{report}");
    assert_eq!(fixture.figures("acme").await, figures);
    let again = fixture.reconcile("acme", "2026-09-14", "repair").await;
    assert_eq!((&again["drift"], &again["half_write_units"]), (&json!(0), &json!(0)), "{again}");
}

#[tokio::test]
async fn a_number_that_is_too_high_too_low_missing_or_made_up_is_found() {
    let fixture = ReconcileFixture::new().await;
    let day = ("acme", "D#2026-09-14");
    found_and_repaired(&fixture, day, &["tk"], |item| drop(item.insert("tk".to_owned(), number("2")))).await;
    found_and_repaired(&fixture, day, &["ms"], |item| drop(item.insert("ms".to_owned(), number("12.344"))))
        .await;
    found_and_repaired(&fixture, day, &["tf"], |item| drop(item.insert("tf".to_owned(), number("1")))).await;
    found_and_repaired(&fixture, day, &["ms", "tm"], |item| {
        item.remove("ms");
        item.remove("tm");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_item_is_written_again() {
    let fixture = ReconcileFixture::new().await;
    let gone = |item: &mut super::Item| item.retain(|name, _| [PK, SK].contains(&name.as_str()));
    let log = ["D:tool_call", "L:tool_call", "V:tool_call"];
    found_and_repaired(&fixture, ("acme#L#atlas", "2026-09-14"), &log, gone).await;
}

#[tokio::test]
async fn compute_of_a_neighboring_day_is_reconciled_with_its_own_day_only() {
    let fixture = ReconcileFixture::new().await;
    // The sample sent on the 14th ran on the 12th and 13th; the one sent on the 15th also ran on the 13th.
    let at = ("acme#P#2026-09", "D#2026-09-13#site");
    found_and_repaired(&fixture, at, &["cs~1"], |item| drop(item.insert("cs~1".to_owned(), number("1"))))
        .await;
    let at = ("acme#P#2026-09", "H#2026-09-13T05#site");
    found_and_repaired(&fixture, at, &["bi~1"], |item| drop(item.insert("bi~1".to_owned(), number("1"))))
        .await;
}

#[tokio::test]
async fn missing_and_made_up_end_users_are_found() {
    let fixture = ReconcileFixture::new().await;
    let item = fixture.usage().await.into_keys().find(|key| key.pk == "acme#U#2026-09").unwrap();
    let day = item.sk.split_once('#').unwrap().0.to_owned();
    let made_up = AttributeValue::Bs(vec![aws_sdk_dynamodb::primitives::Blob::new([1; 8])]);
    fixture.tamper(&item, |item| drop(item.insert("u".to_owned(), made_up))).await;
    let figures = fixture.reconcile("acme", &day, "").await;
    assert_eq!(figures["drift"], 1, "{figures}");
    assert_eq!(fixture.reconcile("acme", &day, "repair").await["repaired"], 1);
    assert_eq!(fixture.reconcile("acme", &day, "").await["drift"], 0);
    // A made-up member makes the day dirty, so that it is reconciled once more.
    assert_eq!(fixture.invoke(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 1);
    assert_eq!(fixture.invoke(json!({ "do": "dirty" })).await.unwrap()["days_proved"], 0);
}

#[tokio::test]
async fn the_remains_of_a_made_up_item_change_no_figure() {
    let fixture = ReconcileFixture::new().await;
    let figures = fixture.figures("acme").await;
    let made_up = AttributeValue::Bs(vec![aws_sdk_dynamodb::primitives::Blob::new([1; 8])]);
    for (at, column, value) in [
        (("acme#U#2026-09", "2026-09-14#77"), "u", made_up),
        (("acme#P#2026-09", "D#2026-09-14#nowhere"), "cs", number("1")),
        (("acme#P#2026-09", "H#2026-09-14T05#nowhere"), "cs", number("1")),
    ] {
        let key = super::key(at.0, at.1);
        fixture.tamper(&key, |item| drop(item.insert(column.to_owned(), value))).await;
        assert_ne!(fixture.figures("acme").await, figures, "{at:?}");
        assert_eq!(fixture.reconcile("acme", "2026-09-14", "repair").await["repaired"], 1, "{at:?}");
        assert!(fixture.usage().await.contains_key(&key), "{at:?}");
        assert_eq!(fixture.figures("acme").await, figures, "{at:?}");
    }
}

#[tokio::test]
async fn an_event_on_its_way_is_drift_only_after_the_settling_time() {
    let fixture = ReconcileFixture::new().await;
    fixture.world.caller("acme").post(&json!([call("new", noon())])).await;
    let report = fixture.reconcile("acme", "2026-09-15", "repair").await;
    assert_eq!((&report["drift"], &report["repaired"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["days"][0]["behind"].as_u64() > Some(0), "{report}");
    fixture.wait(SETTLE - TimeDelta::seconds(1));
    assert_eq!(fixture.reconcile("acme", "2026-09-15", "").await["drift"], 0);
    fixture.wait(TimeDelta::seconds(2));
    let report = fixture.reconcile("acme", "2026-09-15", "").await;
    assert!(report["drift"].as_u64() > Some(0), "{report}");
    fixture.world.stack.drain().await;
    let report = fixture.reconcile("acme", "2026-09-15", "").await;
    assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
}

#[tokio::test]
async fn a_day_with_an_unreadable_event_is_not_changed() {
    let fixture = ReconcileFixture::new().await;
    let client = fixture.world.stack.client();
    let key = store::keys::event_key(
        &ledger::ids::OrgId::new("acme").unwrap(),
        ledger::period::Day::parse("2026-09-14").unwrap(),
        "/elsewhere",
        "odd",
    );
    let mut item = fixture.empty(&key);
    item.insert(VERSION.to_owned(), number("99"));
    client.put_item().table_name(names().events).set_item(Some(item)).send().await.unwrap();
    let before = fixture.usage().await;
    let asked = json!({ "do": "day", "org": "acme", "day": "2026-09-14", "seal": true });
    let refused = fixture.invoke(asked).await.unwrap_err();
    assert!(refused.contains("1 events are malformed"), "{refused}");
    assert!(fixture.usage().await == before);
    // Only compared, the day is reported with the event.
    let report = fixture.reconcile("acme", "2026-09-14", "").await;
    assert_eq!(report["unreadable"], 1);
    assert_eq!(report["days"][0]["unreadable_keys"], json!(["/elsewhere#odd"]));
}

#[tokio::test]
async fn a_day_whose_events_may_have_expired_is_rejected() {
    let fixture = ReconcileFixture::new().await;
    fixture.wait(TimeDelta::days(400));
    let asked = json!({ "do": "day", "org": "acme", "day": "2026-09-14", "repair": true });
    let refused = fixture.invoke(asked).await.unwrap_err();
    assert!(refused.contains("may have expired"), "{refused}");
    assert!(fixture.invoke(Value::Null).await.is_err());
}
