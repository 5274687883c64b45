//! An event in quarantine is not on its way.

use chrono::TimeDelta;
use reconcile::SETTLE;
use serde_json::json;
use store::events::RawEvent;
use store::keys::VERSION;

use super::{ReconcileFixture, number};
use crate::support::noon;
use crate::support::tables::{call, names};

/// Stores a call that has just arrived, in a layout that the aggregator may not know.
async fn put(fixture: &ReconcileFixture, id: usize, version: &str) {
    let yesterday = noon() - TimeDelta::days(1);
    let raw =
        RawEvent::new(&call(id, "nova", "m", "0.01", yesterday), [7; 8], fixture.clock().now(), 400).unwrap();
    let mut item = raw.item().clone();
    item.insert(VERSION.to_owned(), number(version));
    let put = fixture.world.stack.client().put_item().table_name(names().events);
    put.set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn what_quarantined_events_would_add_is_drift_however_recent_they_are() {
    let fixture = ReconcileFixture::new().await;
    // On its way: stored, and not yet aggregated.
    put(&fixture, 1, "1").await;
    let report = fixture.reconcile("acme", "2026-09-14", "").await;
    assert!(report["days"][0]["behind"].as_u64() > Some(0) && report["drift"] == 0, "{report}");
    fixture.world.stack.drain().await;
    fixture.wait(SETTLE + TimeDelta::seconds(1));
    // Quarantined, and readable since.
    put(&fixture, 2, "99").await;
    fixture.world.stack.drain().await;
    put(&fixture, 2, "1").await;
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
