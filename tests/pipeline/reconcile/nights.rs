//! Every night the days that are due are done, of every organisation, each once.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use ledger::ids::OrgId;
use ledger::period::Day;
use serde_json::{Value, json};
use store::keys;
use store::keys::SEALED;
use store::registry::SETTINGS;

use super::Books;
use crate::support::noon;
use crate::support::tables::{call, names, record};
use crate::versions::item_of;

async fn night(books: &Books) -> Result<Value, String> {
    books.ask(json!({ "do": "nightly" })).await
}

async fn proved(books: &Books, org: &str) -> (Option<Day>, Option<Day>) {
    let proved = books.world.stack.store().proved(&OrgId::new(org).unwrap()).await.unwrap();
    (proved.compared, proved.sealed)
}

#[tokio::test]
async fn days_are_compared_when_they_are_over_and_sealed_when_nothing_can_come() {
    let books = Books::new().await;
    // The samples ran on two days before, but no event says that it happened then.
    let report = night(&books).await.unwrap();
    assert_eq!((&report["days_proved"], &report["drift"]), (&json!(4), &json!(0)), "{report}");
    assert_eq!(proved(&books, "acme").await, (Day::parse("2026-09-14"), None));
    assert_eq!(night(&books).await.unwrap()["days_proved"], 0);

    // On the 21st of October the 14th of September is the last day that is closed.
    books.wait(TimeDelta::days(36));
    let figures = books.figures("bolt").await;
    let report = night(&books).await.unwrap();
    assert_eq!(report["drift"], 0, "{report}");
    assert_eq!(proved(&books, "bolt").await, (Day::parse("2026-10-20"), Day::parse("2026-09-14")));
    assert_eq!(books.figures("bolt").await, figures);
    let items = books.usage().await;
    let sealed = |key: &str| items[&super::key("acme", key)].contains_key(SEALED);
    assert!(sealed("D#2026-09-13") && sealed("D#2026-09-14") && !sealed("D#2026-09-15"));
}

#[tokio::test]
async fn an_organisation_that_fails_holds_up_no_other_and_the_run_ends_in_an_error() {
    let books = Books::new().await;
    let org = OrgId::new("acme").unwrap();
    let settings = keys::organization_settings(&org);
    let mut broken = books.empty(&settings);
    broken.insert(SETTINGS.to_owned(), AttributeValue::S("broken".to_owned()));
    let put = |item| books.world.stack.client().put_item().table_name(names().registry).set_item(Some(item));
    put(broken).send().await.unwrap();

    let failed = night(&books).await.unwrap_err();
    assert!(failed.contains("acme") && !failed.contains("bolt"), "{failed}");
    assert_eq!(proved(&books, "bolt").await.0, Day::parse("2026-09-14"));
    assert_eq!(proved(&books, "acme").await.0, None);

    put(books.empty(&settings)).send().await.unwrap();
    let report = night(&books).await.unwrap();
    assert_eq!(report["days_proved"], 2, "what was left is done: {report}");
}

#[tokio::test]
async fn a_day_that_is_not_fit_for_arithmetic_holds_up_no_other() {
    let books = Books::new().await;
    // Two amounts, each of which has all the digits that there are.
    for id in 0..2 {
        let time = noon() - TimeDelta::days(1);
        let event = call(9_000 + id, "nova", "m", "70000000000000000.000000000001", time);
        let item = item_of(&record(&event, "1")["dynamodb"]["NewImage"]);
        let put = books.world.stack.client().put_item().table_name(names().events);
        put.set_item(Some(item)).send().await.unwrap();
    }
    let failed = night(&books).await.unwrap_err();
    assert!(failed.contains("acme 2026-09-14: ") && !failed.contains("bolt"), "{failed}");
    assert_eq!(proved(&books, "bolt").await.0, Day::parse("2026-09-14"));
    assert_eq!(proved(&books, "acme").await.0, Day::parse("2026-09-13"));
}
