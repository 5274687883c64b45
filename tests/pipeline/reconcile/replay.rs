//! What was put aside is counted once what kept it from being understood is mended.

use aws_sdk_dynamodb::types::AttributeValue;
use ledger::ids::OrgId;
use ledger::period::Day;
use serde_json::{Value, json};
use store::keys::{Key, PK, SK, VERSION, event_key};

use super::{Books, number};
use crate::support::tables::names;

fn event(id: &str) -> Key {
    event_key(&OrgId::new("acme").unwrap(), Day::parse("2026-09-14").unwrap(), "/agents", id)
}

/// Stores an event of another version, like one that is there.
async fn put_event(books: &Books, id: &str, version: &str) {
    let s = |text: &str| AttributeValue::S(text.to_owned());
    let client = books.world.stack.client();
    let like = event("call-1");
    let found = client.get_item().table_name(names().events).key(PK, s(&like.pk)).key(SK, s(&like.sk));
    let mut item = found.send().await.unwrap().item.unwrap();
    let key = event(id);
    item.extend([(PK.to_owned(), s(&key.pk)), (SK.to_owned(), s(&key.sk))]);
    item.insert(VERSION.to_owned(), number(version));
    // Somebody of whom nothing else is known.
    let data = item["d"].as_s().unwrap().replace("nova", "ghost");
    item.insert("d".to_owned(), s(&data));
    client.put_item().table_name(names().events).set_item(Some(item)).send().await.unwrap();
    books.world.stack.drain().await;
}

async fn replay(books: &Books) -> Value {
    books.ask(json!({ "do": "replay" })).await.unwrap()
}

#[tokio::test]
async fn a_record_leaves_the_quarantine_when_its_event_is_counted() {
    let books = Books::new().await;
    let total = async || books.figures("acme").await[0]["total_requests"].clone();
    assert_eq!(replay(&books).await["released"], 0);
    put_event(&books, "new", "99").await;
    let active = async || books.figures("acme").await[0]["active_instances"].clone();
    assert_eq!(active().await, 2);
    let store = books.world.stack.store();
    assert_eq!(store.status().await.unwrap().quarantine.count, 1);
    let report = replay(&books).await;
    assert_eq!((&report["released"], &report["kept"]), (&json!(0), &json!(1)), "{report}");
    assert_eq!(total().await, 6);

    // Now it can be understood.
    put_event(&books, "new", "1").await;
    let report = replay(&books).await;
    assert_eq!((&report["released"], &report["kept"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!((total().await, active().await), (json!(7), json!(3)));
    assert_eq!(store.status().await.unwrap().quarantine.count, 0);
    books.world.stack.redeliver().await;
    books.ask(json!({ "do": "dirty" })).await.unwrap();
    replay(&books).await;
    assert_eq!(total().await, 7);
}

#[tokio::test]
async fn what_does_not_tell_whose_it_is_stays_until_it_is_let_go_by_hand() {
    let books = Books::new().await;
    let odd = Key { pk: "nobody".to_owned(), sk: "knows".to_owned() };
    let item = books.empty(&odd);
    books
        .world
        .stack
        .client()
        .put_item()
        .table_name(names().events)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
    books.world.stack.drain().await;
    let report = replay(&books).await;
    let places = &report["unplaced"];
    assert_eq!((places.as_array().unwrap().len(), &report["released"]), (1, &json!(0)), "{report}");
    let forget = json!({ "do": "forget", "places": places });
    assert_eq!(books.ask(forget.clone()).await.unwrap()["released"], 1);
    assert_eq!(books.ask(forget).await.unwrap()["released"], 0);
    assert_eq!(replay(&books).await["unplaced"], json!([]));
}
