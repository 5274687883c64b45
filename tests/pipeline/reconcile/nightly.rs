//! The nightly run reconciles the days that are due, each once, for every organization.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use ledger::ids::OrgId;
use ledger::period::Day;
use serde_json::{Value, json};
use store::keys::{self, SEALED};
use store::registry::SETTINGS;

use super::ReconcileFixture;
use crate::support::attributes::item_of;
use crate::support::noon;
use crate::support::tables::{call, names, record};

async fn nightly(fixture: &ReconcileFixture) -> Result<Value, String> {
    fixture.invoke(json!({ "do": "nightly" })).await
}

async fn reconciled(fixture: &ReconcileFixture, org: &str) -> (Option<Day>, Option<Day>) {
    let proved =
        fixture.world.stack.tables().usage.reconcile_progress(&OrgId::new(org).unwrap()).await.unwrap();
    (proved.compared, proved.sealed)
}

#[tokio::test]
async fn a_day_is_compared_when_it_is_over_and_sealed_when_no_event_can_come() {
    let fixture = ReconcileFixture::new().await;
    // The samples also ran on two earlier days, but no event has its time there.
    let report = nightly(&fixture).await.unwrap();
    assert_eq!((&report["days_proved"], &report["drift"]), (&json!(4), &json!(0)), "{report}");
    assert_eq!(reconciled(&fixture, "acme").await, (Day::parse("2026-09-14"), None));
    assert_eq!(nightly(&fixture).await.unwrap()["days_proved"], 0);

    // On 21 October, 14 September is the last closed day.
    fixture.wait(TimeDelta::days(36));
    let figures = fixture.figures("bolt").await;
    let report = nightly(&fixture).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
    assert_eq!(reconciled(&fixture, "bolt").await, (Day::parse("2026-10-20"), Day::parse("2026-09-14")));
    assert_eq!(fixture.figures("bolt").await, figures);
    let items = fixture.usage().await;
    let sealed = |key: &str| items[&super::key("acme", key)].contains_key(SEALED);
    assert!(sealed("D#2026-09-13") && sealed("D#2026-09-14") && !sealed("D#2026-09-15"));
}

#[tokio::test]
async fn a_failing_organization_delays_no_other_and_the_run_ends_in_an_error() {
    let fixture = ReconcileFixture::new().await;
    let org = OrgId::new("acme").unwrap();
    let settings = keys::calendar(&org);
    let mut broken = fixture.empty(&settings);
    broken.insert(SETTINGS.to_owned(), AttributeValue::S("broken".to_owned()));
    let put =
        |item| fixture.world.stack.client().put_item().table_name(names().registry).set_item(Some(item));
    put(broken).send().await.unwrap();

    let failed = nightly(&fixture).await.unwrap_err();
    assert!(failed.contains("acme") && !failed.contains("bolt"), "{failed}");
    assert_eq!(reconciled(&fixture, "bolt").await.0, Day::parse("2026-09-14"));
    assert_eq!(reconciled(&fixture, "acme").await.0, None);

    put(fixture.empty(&settings)).send().await.unwrap();
    let report = nightly(&fixture).await.unwrap();
    assert_eq!(report["days_proved"], 2, "the remaining days: {report}");
}

#[tokio::test]
async fn a_day_that_overflows_delays_no_other() {
    let fixture = ReconcileFixture::new().await;
    // Two amounts, each with as many digits as a decimal can have.
    for id in 0..2 {
        let time = noon() - TimeDelta::days(1);
        let event = call(9_000 + id, "nova", "m", "70000000000000000.000000000001", time);
        let item = item_of(&record(&event, "1")["dynamodb"]["NewImage"]);
        let put = fixture.world.stack.client().put_item().table_name(names().events);
        put.set_item(Some(item)).send().await.unwrap();
    }
    let failed = nightly(&fixture).await.unwrap_err();
    assert!(failed.contains("acme 2026-09-14: ") && !failed.contains("bolt"), "{failed}");
    assert_eq!(reconciled(&fixture, "bolt").await.0, Day::parse("2026-09-14"));
    assert_eq!(reconciled(&fixture, "acme").await.0, Day::parse("2026-09-13"));
}
