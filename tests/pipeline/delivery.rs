//! Lambda delivers each record at least once, in batches of any size.

use ledger::event::Event;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use runtime::metrics::{Metric, counted};
use serde_json::{Value, json};

use crate::support::noon;
use crate::support::tables::{STREAM, Tables, aggregator_at_noon, call, deliver, delivery, folded, record};

const SHARD: &str = "shardId-1";

/// Sequence numbers that grow from 21 to 22 digits, so that their order as text differs from their order as numbers.
fn sequence_numbers(n: usize) -> impl Iterator<Item = String> {
    let near_the_turn = 999_999_999_999_999_999_990_u128;
    (0..n as u128).map(move |i| (near_the_turn + i * 3).to_string())
}

fn records(events: &[Event]) -> Vec<Value> {
    events.iter().zip(sequence_numbers(events.len())).map(|(event, number)| record(event, &number)).collect()
}

fn calls(n: usize) -> Vec<Event> {
    let agents = ["nova", "atlas", "pulse"];
    (0..n).map(|i| call(i, agents[i % 3], ["m1", "m2"][i / 2 % 2], "0.000000000001", noon())).collect()
}

#[tokio::test]
async fn a_redelivered_batch_changes_nothing() {
    let tables = Tables::new().await;
    let (events, aggregator) = (calls(10), aggregator_at_noon(tables.of()));
    let records = records(&events);
    deliver(&aggregator, SHARD, &records).await;
    deliver(&aggregator, SHARD, &records).await;
    // The same in a new process.
    deliver(&aggregator_at_noon(tables.of()), SHARD, &records).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

#[tokio::test]
async fn a_longer_retry_counts_only_the_new_records() {
    let tables = Tables::new().await;
    let (events, aggregator) = (calls(30), aggregator_at_noon(tables.of()));
    let records = records(&events);
    deliver(&aggregator, SHARD, &records[..7]).await;
    // Begins before the mark and ends after it: some of its records are new, some are not.
    deliver(&aggregator, SHARD, &records[3..20]).await;
    deliver(&aggregator, SHARD, &records[..5]).await;
    deliver(&aggregator, SHARD, &records).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

#[tokio::test]
async fn marks_are_separate_per_shard_and_stream() {
    let tables = Tables::new().await;
    let (events, aggregator) = (calls(3), aggregator_at_noon(tables.of()));
    let numbers: Vec<_> = sequence_numbers(3).collect();
    deliver(&aggregator, "shardId-1", &[record(&events[0], &numbers[2])]).await;
    deliver(&aggregator, "shardId-2", &[record(&events[1], &numbers[1])]).await;
    let other = format!("{STREAM}.other");
    let lower = delivery(&other, "shardId-1", &[record(&events[2], &numbers[0])]);
    assert_eq!(aggregator.handle(lower).await.unwrap()["batchItemFailures"], json!([]));
    assert_eq!(tables.held(&events).await, folded(&events));
}

#[tokio::test]
async fn a_batch_with_more_columns_than_one_update_allows_is_counted_once() {
    let tables = Tables::new().await;
    // Five columns per model: 200 models need a thousand.
    let events: Vec<_> = (0..200).map(|i| call(i, "nova", &format!("model-{i}"), "0.01", noon())).collect();
    let records = records(&events);
    deliver(&aggregator_at_noon(tables.of()), SHARD, &records[..150]).await;
    deliver(&aggregator_at_noon(tables.of()), SHARD, &records).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

#[tokio::test]
async fn only_insertions_are_counted() {
    let tables = Tables::new().await;
    let (events, aggregator) = (calls(1), aggregator_at_noon(tables.of()));
    let mut numbers = sequence_numbers(3);
    let inserted = record(&events[0], &numbers.next().unwrap());
    let mut modified = record(&events[0], &numbers.next().unwrap());
    modified["eventName"] = json!("MODIFY");
    let mut removed = record(&events[0], &numbers.next().unwrap());
    removed["eventName"] = json!("REMOVE");
    removed["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    removed["dynamodb"].as_object_mut().unwrap().remove("NewImage");
    deliver(&aggregator, SHARD, &[inserted, modified, removed]).await;
    assert_eq!(tables.held(&events).await, folded(&events));
}

#[tokio::test]
async fn a_delivery_without_a_shard_id_is_rejected_with_the_setting_to_change() {
    let tables = Tables::new().await;
    let (events, aggregator) = (calls(1), aggregator_at_noon(tables.of()));
    let mut event = delivery(STREAM, SHARD, &records(&events));
    event.as_object_mut().unwrap().remove("shardId");
    let (refused, counts) = counted("aggregator", aggregator.handle(event)).await;
    assert_eq!(counts.get(Metric::FailedBatches), 1);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("TumblingWindowInSeconds"), "{refused}");
    let held = tables.held(&events).await;
    assert!(held.items.values().all(|sums| sums.numbers.is_empty()));
    assert!(held.agents.values().flatten().all(ledger::pack::Table::is_empty));
    // The final invocation of a window has no records. The state stays empty whatever it was.
    let mut last = delivery(STREAM, SHARD, &[]);
    last["isFinalInvokeForWindow"] = json!(true);
    last["state"] = json!({ "odd": "state" });
    assert_eq!(aggregator.handle(last).await.unwrap(), json!({ "state": {}, "batchItemFailures": [] }));
}

/// Deliveries of a shard: how far each goes back, its length, and whether a new process follows.
fn deliveries() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    prop::collection::vec((0_usize..12, 1_usize..25, any::<bool>()), 1..12)
}

#[test]
fn however_a_shard_is_batched_and_repeated_each_record_counts_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: 32, max_shrink_iters: 100, failure_persistence: None, ..Config::default() };
    let events = calls(60);
    let records = records(&events);
    let tables = runtime.block_on(Tables::new());
    let next_shard = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&deliveries(), |deliveries| {
            // Each case has its own organization.
            let case = next_shard.replace(next_shard.get() + 1);
            let org = ledger::ids::OrgId::new(format!("org-{case}")).unwrap();
            let events: Vec<_> =
                events.iter().map(|event| Event { org: org.clone(), ..event.clone() }).collect();
            let records: Vec<_> = events
                .iter()
                .zip(&records)
                .map(|(event, old)| record(event, old["dynamodb"]["SequenceNumber"].as_str().unwrap()))
                .collect();
            runtime.block_on(async {
                let mut aggregator = aggregator_at_noon(tables.of());
                let mut delivered = 0;
                for (back, length, restart) in deliveries {
                    let from = delivered - back.min(delivered);
                    let to = (from + length).min(records.len());
                    deliver(&aggregator, SHARD, &records[from..to]).await;
                    delivered = delivered.max(to);
                    if restart {
                        aggregator = aggregator_at_noon(tables.of());
                    }
                    let so_far = &events[..delivered];
                    assert_eq!(tables.held(so_far).await, folded(so_far));
                }
            });
            Ok(())
        })
        .unwrap();
}
