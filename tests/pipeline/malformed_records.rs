//! Malformed records are quarantined once and do not block their shard.

use ledger::calendar::{Calendar, Generation};
use ledger::event::{AgentActivity, Attribution, Data, Event};
use ledger::ids::Label;
use ledger::ids::{AgentId, ModelKey, Name};
use ledger::period::DayRange;
use ledger::rollup::{self, Measure, OTHER_ACTIVITY, OrgDay, RollupId};
use runtime::metrics::{Metric, counted};
use serde_json::json;
use store::keys::Keyed;
use store::keys::MAX_END_USERS;

use crate::support::noon;
use crate::support::tables::{Tables, aggregator_at_noon, call, deliver, folded, quarantined, record};

#[tokio::test]
async fn malformed_records_are_quarantined_and_the_shard_continues() {
    let tables = Tables::new().await;
    let events: Vec<_> = (0..12).map(|i| call(i, "nova", "m", "0.01", noon())).collect();
    let mut records: Vec<_> =
        events.iter().enumerate().map(|(i, event)| record(event, &format!("{:021}", i + 1))).collect();
    let mut malformed = Vec::new();
    let mut corrupt = |i: usize, at: &str, value| {
        *records[i].pointer_mut(at).unwrap() = value;
        malformed.push(i);
    };
    corrupt(0, "/eventName", json!("UPSERT"));
    corrupt(2, "/dynamodb/NewImage", json!(null));
    corrupt(3, "/dynamodb/NewImage/d", json!({ "S": "{}" }));
    corrupt(4, "/dynamodb/NewImage/d", json!({ "B": "AQ==" }));
    corrupt(5, "/dynamodb/NewImage/v", json!({ "N": "99" }));
    corrupt(6, "/dynamodb/NewImage/pk", json!({ "S": "acme#2026-99-99#0" }));
    corrupt(7, "/dynamodb/NewImage/sk", json!({ "S": "no separator" }));
    corrupt(8, "/dynamodb/NewImage/d/B", json!("/w=="));
    corrupt(9, "/dynamodb/NewImage/pk", json!({ "X": "?" }));
    corrupt(10, "/dynamodb/NewImage", json!("?"));
    let good: Vec<_> = [1, 11].map(|i| events[i].clone()).to_vec();

    let aggregator = aggregator_at_noon(tables.of());
    let ((), counts) = counted("aggregator", deliver(&aggregator, "shardId-1", &records)).await;
    let all = [Metric::Records, Metric::Quarantined, Metric::FailedBatches];
    assert_eq!(all.map(|metric| counts.get(metric)), [12, 10, 0]);
    deliver(&aggregator, "shardId-1", &records).await;
    assert_eq!(tables.held(&good).await, folded(&good));
    let kept = quarantined(&tables.store().usage).await;
    assert_eq!(kept.len(), malformed.len());
    for (kept, i) in kept.iter().zip(malformed) {
        // The whole record is kept, so that it can be delivered again once it can be parsed.
        assert_eq!(serde_json::from_str::<serde_json::Value>(&kept.record).unwrap(), records[i]);
        assert!(!kept.reason.is_empty());
    }
}

#[tokio::test]
async fn records_that_would_overfill_an_item_are_counted_as_other() {
    let tables = Tables::new().await;
    // Each model takes about 180 bytes, most of them for its name; an item can have 400 KB.
    let entries: Vec<_> =
        (0..2_600).map(|i| call(i, &format!("agent-{i}"), &format!("{i:0>128}"), "0.01", noon())).collect();
    let aggregator = aggregator_at_noon(tables.of());
    let number = |i: usize| format!("{:021}", i + 1);
    for (nth, some) in entries.chunks(200).enumerate() {
        let records: Vec<_> =
            some.iter().enumerate().map(|(i, entry)| record(entry, &number(nth * 200 + i))).collect();
        deliver(&aggregator, "shardId-1", &records).await;
    }
    assert_eq!(quarantined(&tables.store().usage).await, []);
    let held = tables.held(&entries).await;
    let org_day = OrgDay::from(
        &held.items[&RollupId::OrgDay(entries[0].org.clone(), Generation::FIRST, entries[0].utc_day()).key()],
    );
    assert_eq!((org_day.total().requests, org_day.total().cost().to_string()), (2_600, "26.00".to_owned()));
    assert!((1..2_000).contains(&org_day.models.len()), "{}", org_day.models.len());
    assert!(org_day.models.contains_key(&ModelKey::other()));
}

#[tokio::test]
async fn a_full_bucket_of_end_users_does_not_block_the_shard() {
    let tables = Tables::new().await;
    let store = tables.store();
    let serving = |i: usize, user: &str| {
        let mut event = call(i, "nova", "m", "0.01", noon());
        let Data::LlmCall(call) = &mut event.data else { unreachable!() };
        call.end_user = Some(Label::new(user).unwrap());
        event
    };
    let user = |event: &Event| {
        let brings = rollup::contribution(event, &[Calendar::default()]);
        brings.end_users.into_iter().next().unwrap()
    };
    let bucket = |event: &Event| user(event).key();
    let events: Vec<_> = (0..40).map(|i| serving(i, &format!("user-{i}"))).collect();
    let full = bucket(&events[0]);
    let hashes = (0..MAX_END_USERS as u64).map(u64::to_be_bytes).collect();
    assert!(store.usage.add_end_users(&full, &hashes).await.unwrap());
    let records: Vec<_> =
        (1..).zip(&events).map(|(nth, event)| record(event, &format!("{nth:021}"))).collect();
    let aggregator = aggregator_at_noon(tables.of());
    deliver(&aggregator, "shardId-1", &records).await;
    // All events are counted, and none is quarantined; only end users of the full bucket are missing.
    assert_eq!(tables.held(&events).await, folded(&events));
    assert_eq!(quarantined(&store.usage).await, []);
    let (without, with): (Vec<_>, Vec<_>) = events.iter().partition(|event| bucket(event) == full);
    let (org, day) = (events[0].org.clone(), events[0].utc_day());
    let days = DayRange { first: day, last: day };
    let known = store.usage.end_users(&org, Generation::FIRST, days).await.unwrap();
    assert!(with.iter().all(|event| known.contains(&user(event).hash)));
    assert!(without.iter().all(|event| !known.contains(&user(event).hash)));
    // A redelivery changes nothing.
    deliver(&aggregator, "shardId-1", &records).await;
    deliver(&aggregator_at_noon(tables.of()), "shardId-1", &records).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

#[tokio::test]
async fn made_up_activity_types_do_not_fill_items_with_money() {
    let tables = Tables::new().await;
    let entry = |i: usize| Event {
        revision: 0,
        data: Data::AgentActivity(AgentActivity {
            attribution: Attribution::default(),
            agent_id: Some(AgentId::new("nova").unwrap()),
            event_type: Name::new(format!("{i:0>128}")).unwrap(),
            details: "{}".to_owned(),
        }),
        ..call(i, "nova", "m", "0.01", noon())
    };
    let entries: Vec<_> = (0..500).map(entry).collect();
    let records: Vec<_> =
        (1..).zip(&entries).map(|(nth, entry)| record(entry, &format!("{nth:021}"))).collect();
    deliver(&aggregator_at_noon(tables.of()), "shardId-1", &records).await;
    let held = tables.held(&entries).await;
    assert_eq!(held, folded(&entries));
    let org_day = RollupId::OrgDay(entries[0].org.clone(), Generation::FIRST, entries[0].utc_day()).key();
    assert_eq!(
        held.items[&org_day].numbers,
        [(Measure::Activity(OTHER_ACTIVITY.to_owned()).into(), 500.into())].into()
    );
    let log = RollupId::ActivityDay(entries[0].org.clone(), None, entries[0].utc_day()).key();
    assert_eq!(held.items[&log].numbers.len(), 500);
}
