//! Quarantined records are counted and released once their cause is fixed.

use aws_sdk_dynamodb::types::AttributeValue;
use ledger::event::Data;
use ledger::ids::{AgentId, Name, OrgId};
use ledger::period::Day;
use serde_json::{Value, json};
use store::events::{self, RawEvent};
use store::keys::{Key, PK, SK, VERSION, event_key};

use super::{ReconcileFixture, number};
use crate::support::noon;
use crate::support::tables::names;

fn event(id: &str) -> Key {
    event_key(&OrgId::new("acme").unwrap(), Day::parse("2026-09-14").unwrap(), "/agents", id)
}

/// Stores a copy of an existing event with another version.
async fn put_event(fixture: &ReconcileFixture, id: &str, version: &str) {
    let s = |text: &str| AttributeValue::S(text.to_owned());
    let client = fixture.world.stack.client();
    let like = event("call-1");
    let found = client.get_item().table_name(names().events).key(PK, s(&like.pk)).key(SK, s(&like.sk));
    let item = found.send().await.unwrap().item.unwrap();
    let mut event = events::parse(&item).unwrap();
    event.id = Name::new(id).unwrap();
    // An agent of whom nothing else is known.
    let Data::LlmCall(call) = &mut event.data else { panic!("{event:?}") };
    call.agent_id = AgentId::new("ghost").unwrap();
    let mut item = RawEvent::new(&event, [0; 8], noon(), 400).unwrap().item().clone();
    item.insert(VERSION.to_owned(), number(version));
    client.put_item().table_name(names().events).set_item(Some(item)).send().await.unwrap();
    fixture.world.stack.drain().await;
}

async fn replay(fixture: &ReconcileFixture) -> Value {
    fixture.invoke(json!({ "do": "replay" })).await.unwrap()
}

#[tokio::test]
async fn a_record_is_released_when_its_event_is_counted() {
    let fixture = ReconcileFixture::new().await;
    let total = async || fixture.figures("acme").await[0]["total_requests"].clone();
    assert_eq!(replay(&fixture).await["released"], 0);
    put_event(&fixture, "new", "99").await;
    let active = async || fixture.figures("acme").await[0]["active_instances"].clone();
    assert_eq!(active().await, 2);
    let store = fixture.world.stack.tables();
    assert_eq!(store.usage.status().await.unwrap().quarantine.count, 1);
    let report = replay(&fixture).await;
    assert_eq!((&report["released"], &report["kept"]), (&json!(0), &json!(1)), "{report}");
    assert_eq!(total().await, 6);

    // The fixed event.
    put_event(&fixture, "new", "1").await;
    let report = replay(&fixture).await;
    assert_eq!((&report["released"], &report["kept"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!((total().await, active().await), (json!(7), json!(3)));
    assert_eq!(store.usage.status().await.unwrap().quarantine.count, 0);
    fixture.world.stack.redeliver().await;
    fixture.invoke(json!({ "do": "dirty" })).await.unwrap();
    replay(&fixture).await;
    assert_eq!(total().await, 7);
}

#[tokio::test]
async fn a_record_without_an_organization_stays_until_it_is_released_by_hand() {
    let fixture = ReconcileFixture::new().await;
    let odd = Key { pk: "nobody".to_owned(), sk: "knows".to_owned() };
    let item = fixture.empty(&odd);
    fixture
        .world
        .stack
        .client()
        .put_item()
        .table_name(names().events)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
    fixture.world.stack.drain().await;
    let report = replay(&fixture).await;
    let places = &report["unplaced"];
    assert_eq!((places.as_array().unwrap().len(), &report["released"]), (1, &json!(0)), "{report}");
    let forget = json!({ "do": "forget", "places": places });
    assert_eq!(fixture.invoke(forget.clone()).await.unwrap()["released"], 1);
    assert_eq!(fixture.invoke(forget).await.unwrap()["released"], 0);
    assert_eq!(replay(&fixture).await["unplaced"], json!([]));
}
