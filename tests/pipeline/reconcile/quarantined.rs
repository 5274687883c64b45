//! An event in quarantine is not on its way.

use aws_sdk_dynamodb::types::AttributeValue;
use ledger::ids::OrgId;
use ledger::period::{self, Day};
use serde_json::json;
use store::keys::{PK, SK, VERSION, event_key};

use super::{ReconcileFixture, number};
use crate::support::tables::names;

/// Stores a call that has just arrived, in a layout that the aggregator may not know.
async fn put(fixture: &ReconcileFixture, id: &str, version: &str) {
    let s = |text: &str| AttributeValue::S(text.to_owned());
    let key =
        |id: &str| event_key(&OrgId::new("acme").unwrap(), Day::parse("2026-09-14").unwrap(), "/agents", id);
    let client = fixture.world.stack.client();
    let like = key("call-1");
    let found = client.get_item().table_name(names().events).key(PK, s(&like.pk)).key(SK, s(&like.sk));
    let mut item = found.send().await.unwrap().item.unwrap();
    let key = key(id);
    item.extend([(PK.to_owned(), s(&key.pk)), (SK.to_owned(), s(&key.sk))]);
    item.insert(VERSION.to_owned(), number(version));
    item.insert("a".to_owned(), s(&period::rfc3339(fixture.clock().now())));
    client.put_item().table_name(names().events).set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn what_quarantined_events_would_add_is_drift_however_recent_they_are() {
    let fixture = ReconcileFixture::new().await;
    // On its way: stored, and not yet aggregated.
    put(&fixture, "late", "1").await;
    let report = fixture.reconcile("acme", "2026-09-14", "").await;
    assert!(report["days"][0]["behind"].as_u64() > Some(0) && report["drift"] == 0, "{report}");
    fixture.world.stack.drain().await;
    // Quarantined, and readable since.
    put(&fixture, "odd", "99").await;
    fixture.world.stack.drain().await;
    put(&fixture, "odd", "1").await;
    fixture.world.stack.drain().await;
    let report = fixture.reconcile("acme", "2026-09-14", "").await;
    let day = &report["days"][0];
    assert_eq!((&day["behind"], &day["quarantined"]), (&json!(0), &json!(1)), "{report}");
    assert!(report["drift"].as_u64() > Some(0), "{report}");
    let repaired = fixture.reconcile("acme", "2026-09-14", "repair").await;
    assert_eq!(repaired["repaired"], report["drift"], "{repaired}");
    let report = fixture.reconcile("acme", "2026-09-14", "").await;
    assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
}
