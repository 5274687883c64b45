//! The quarantine keeps each record once, in order, with a summary that is right under concurrency.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use local::stack::AllTables;
use serde_json::{Value, json};
use store::keys::mark_column;
use store::quarantine::{MAX_RECORD, QuarantineRecord, QuarantineSummary};

use crate::support::noon;
use crate::support::tables::{
    STREAM, Tables, aggregator_at_noon, call, deliver, folded, quarantined, record,
};

const SHARD: &str = "shardId-1";

fn at(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

/// The record of a call that arrived `seconds` after noon.
fn raw(id: usize, seconds: i64) -> Value {
    record(&call(id, "nova", "m", "0.01", at(seconds)), &format!("{:021}", id + 1))
}

fn aside(raw: &Value) -> QuarantineRecord {
    let number = raw["dynamodb"]["SequenceNumber"].as_str().unwrap();
    QuarantineRecord::new(&mark_column(STREAM, SHARD), number, raw, "odd")
}

async fn summary(store: &AllTables) -> (u64, Option<DateTime<Utc>>) {
    let QuarantineSummary { count, oldest } = store.usage.status().await.unwrap().quarantine;
    (count, oldest)
}

#[tokio::test]
async fn the_summary_is_right_after_every_step() {
    let tables = Tables::new().await;
    let store = tables.store();
    assert_eq!(summary(&store).await, (0, None));
    let mut timeless = raw(0, 0);
    timeless["dynamodb"]["NewImage"] = Value::Null;
    timeless["dynamodb"]["ApproximateCreationDateTime"] = Value::Null;
    store.usage.quarantine(&[aside(&timeless)]).await.unwrap();
    assert_eq!(summary(&store).await, (1, None));
    store.usage.quarantine(&[aside(&raw(1, 20)), aside(&raw(2, 30))]).await.unwrap();
    assert_eq!(summary(&store).await, (3, Some(at(20))));
    store.usage.quarantine(&[aside(&raw(3, 10)), aside(&raw(1, 20))]).await.unwrap();
    assert_eq!(summary(&store).await, (4, Some(at(10))));
    store.usage.quarantine(&[aside(&raw(3, 10)), aside(&timeless)]).await.unwrap();
    assert_eq!(summary(&store).await, (4, Some(at(10))));

    let entries = quarantined(&store.usage).await;
    let times: Vec<_> = entries.iter().map(|entry| entry.time).collect();
    assert_eq!(times, [Some(at(10)), Some(at(20)), Some(at(30)), None]);
    // The oldest entry first, then one that is not the oldest.
    for (nth, left) in [(0, (3, Some(at(20)))), (2, (2, Some(at(20)))), (1, (1, None)), (3, (0, None))] {
        assert!(store.usage.release(&entries[nth].place).await.unwrap());
        assert_eq!(summary(&store).await, left);
        assert!(!store.usage.release(&entries[nth].place).await.unwrap());
        assert_eq!(summary(&store).await, left);
    }
    assert_eq!(quarantined(&store.usage).await, []);
    store.usage.quarantine(&[aside(&raw(1, 20))]).await.unwrap();
    assert_eq!(summary(&store).await, (1, Some(at(20))));
}

#[tokio::test]
async fn concurrent_changes_keep_the_summary_exact() {
    let tables = Tables::new().await;
    let seed: Vec<_> = (0..10).map(|id| aside(&raw(id, 1000 - 10 * i64::try_from(id).unwrap()))).collect();
    tables.store().usage.quarantine(&seed).await.unwrap();
    let entries = quarantined(&tables.store().usage).await;
    let putting = (0..3).map(async |from: usize| {
        let store = tables.store();
        for id in from * 5 + 5..from * 5 + 15 {
            let aside = [aside(&raw(id, 1000 - 10 * i64::try_from(id).unwrap()))];
            while store.usage.quarantine(&aside).await.is_err() {}
        }
    });
    // Both release the same entries, the oldest first.
    let releasing = (0..2).map(async |_| {
        let store = tables.store();
        let mut released = 0;
        for entry in &entries[5..] {
            released += u64::from(loop {
                if let Ok(released) = store.usage.release(&entry.place).await {
                    break released;
                }
            });
        }
        released
    });
    let (_, released) = futures::join!(join_all(putting), join_all(releasing));
    assert_eq!(released.iter().sum::<u64>(), 5);
    let left = quarantined(&tables.store().usage).await;
    assert_eq!(left.len(), 20);
    assert_eq!(summary(&tables.store()).await, (20, left[0].time));
}

#[tokio::test]
async fn an_entry_names_its_event() {
    let tables = Tables::new().await;
    let mut records = [raw(0, 0), raw(1, 1), raw(2, 2)];
    records[0]["dynamodb"]["NewImage"]["v"] = json!({ "N": "99" });
    records[1]["dynamodb"]["Keys"]["pk"] = json!({ "S": "no event's" });
    records[1]["eventName"] = json!("UPSERT");
    deliver(&aggregator_at_noon(tables.of()), SHARD, &records).await;
    let entries = quarantined(&tables.store().usage).await;
    let event = entries[0].event.as_ref().unwrap();
    let named = (event.org.as_str(), event.day.to_string(), event.source.as_str(), event.id.as_str());
    assert_eq!(named, ("acme", "2026-09-15".to_owned(), "test", "0"));
    assert_eq!(entries[0].reason, r#"version Some("99") is not known"#);
    assert_eq!((entries[1].event.as_ref(), entries[1].time), (None, Some(at(1))));
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn many_entries_and_oversized_records_are_quarantined() {
    let tables = Tables::new().await;
    let long = |id: usize, length: usize| {
        let mut raw = raw(id, 0);
        raw["dynamodb"]["NewImage"]["d"] = json!({ "S": "x".repeat(length) });
        raw
    };
    let mut records: Vec<_> = (0..12).map(|id| long(id, MAX_RECORD - 5_000)).collect();
    records.extend((12..15).map(|id| long(id, MAX_RECORD * 3)));
    records.extend((15..85).map(|id| long(id, 1)));
    records.push(raw(85, 0));
    let aggregator = aggregator_at_noon(tables.of());
    deliver(&aggregator, SHARD, &records).await;
    let counted = [call(85, "nova", "m", "0.01", noon())];
    assert_eq!(tables.held(&counted).await, folded(&counted));
    assert_eq!(summary(&tables.store()).await, (85, Some(noon())));
    let entries = quarantined(&tables.store().usage).await;
    for (entry, raw) in entries.iter().zip(&records) {
        let mut kept = raw.clone();
        if raw.to_string().len() > MAX_RECORD {
            let name = |name: &str| raw["dynamodb"][name].clone();
            kept = json!({
                "eventName": raw["eventName"],
                "eventSourceARN": raw["eventSourceARN"],
                "dynamodb": {
                    "ApproximateCreationDateTime": name("ApproximateCreationDateTime"),
                    "Keys": name("Keys"),
                    "SequenceNumber": name("SequenceNumber"),
                },
            });
        }
        assert_eq!(serde_json::from_str::<Value>(&entry.record).unwrap(), kept);
        assert!(entry.event.is_some());
    }
    // All of it redelivered, then all of it released.
    deliver(&aggregator, SHARD, &records).await;
    assert_eq!(summary(&tables.store()).await, (85, Some(noon())));
    for entry in entries {
        assert!(tables.store().usage.release(&entry.place).await.unwrap());
    }
    assert_eq!(summary(&tables.store()).await, (0, None));
}
