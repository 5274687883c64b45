//! The progress of each lane, as noted by the aggregator.

use std::collections::BTreeMap;

use aggregator::Aggregator;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use ledger::event::Event;
use store::keys::{self, LANES, PK, SK, status};

use crate::support::noon;
use crate::support::tables::{Tables, aggregator_at_noon, call, deliver, folded, names, record};

const SHARD: &str = "shardId-1";

fn at(milliseconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::milliseconds(milliseconds)
}

fn lane(event: &Event) -> u8 {
    let key = keys::event_key(&event.org, event.utc_day(), event.source.as_str(), event.id.as_str());
    keys::lane_of(&key.pk).unwrap()
}

/// A call in lane `wanted`, `milliseconds` after noon.
fn call_in(wanted: u8, nth: usize, milliseconds: i64) -> Event {
    let all = (0..).map(|id| call(id, "nova", "m", "0.01", at(milliseconds)));
    all.filter(|call| lane(call) == wanted).nth(nth).unwrap()
}

async fn newest(tables: &Tables) -> [Option<DateTime<Utc>>; LANES as usize] {
    tables.store().usage.status().await.unwrap().newest
}

async fn take(aggregator: &Aggregator, events: &[(usize, &Event)]) {
    let records: Vec<_> =
        events.iter().map(|(number, event)| record(event, &format!("{number:021}"))).collect();
    deliver(aggregator, SHARD, &records).await;
}

#[tokio::test]
async fn the_progress_of_a_lane_is_its_newest_arrival() {
    let tables = Tables::new().await;
    assert_eq!(newest(&tables).await, [None; 4]);
    let aggregator = aggregator_at_noon(tables.of());
    // Not in order of arrival: the events of one lane come from several shards.
    let (late, early, other) = (call_in(2, 0, 9_000), call_in(2, 1, 1_000), call_in(0, 0, 4_000));
    take(&aggregator, &[(1, &late), (2, &early), (3, &other)]).await;
    assert_eq!(newest(&tables).await, [Some(at(4_000)), None, Some(at(9_000)), None]);
    // Another process gets older events.
    take(&aggregator_at_noon(tables.of()), &[(2, &early), (3, &other)]).await;
    assert_eq!(newest(&tables).await, [Some(at(4_000)), None, Some(at(9_000)), None]);
}

#[tokio::test]
async fn a_process_notes_progress_once_per_ten_seconds_of_arrivals() {
    let tables = Tables::new().await;
    let store: aggregator::Tables = tables.of();
    let aggregator = aggregator_at_noon(store.clone());
    let steps = [(0, 0), (9_999, 0), (10_000, 10_000), (19_999, 10_000), (12_000, 10_000), (20_000, 20_000)];
    for (number, (arrival, noted)) in steps.into_iter().enumerate() {
        let event = call_in(1, number, arrival);
        let before = store.usage.meter().reading();
        take(&aggregator, &[(number, &event)]).await;
        assert_eq!(newest(&tables).await[1], Some(at(noted)), "{arrival}");
        // The organization's day, a page of agents and the shard's position; the sighting is only written now and then.
        let writes = store.usage.meter().reading().since(before).writes;
        if number > 0 {
            assert_eq!(writes, if arrival == noted { 4 } else { 3 }, "{arrival}");
        }
    }
}

#[tokio::test]
async fn progress_never_goes_back() {
    let store = Tables::new().await;
    let store = (store.store(), store);
    let note = async |lanes: &[(u8, i64)]| {
        let lanes: BTreeMap<_, _> = lanes.iter().map(|(lane, arrival)| (*lane, at(*arrival))).collect();
        store.0.usage.note_progress(&lanes).await.unwrap();
        newest(&store.1).await.map(|newest| newest.map(|newest| (newest - noon()).num_milliseconds()))
    };
    assert_eq!(note(&[]).await, [None; 4]);
    assert_eq!(note(&[(0, 5), (1, 5)]).await, [Some(5), Some(5), None, None]);
    assert_eq!(note(&[(0, 4), (1, 6), (2, 1)]).await, [Some(5), Some(6), Some(1), None]);
    assert_eq!(note(&[(0, 5), (1, 6), (2, 1)]).await, [Some(5), Some(6), Some(1), None]);
    assert_eq!(note(&[(0, 1), (3, 0)]).await, [Some(5), Some(6), Some(1), Some(0)]);
}

#[tokio::test]
async fn a_failed_note_does_not_fail_the_delivery() {
    let tables = Tables::new().await;
    let broken = status::lanes();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = tables.client.put_item().table_name(names().usage).item(PK, text(&broken.pk));
    put.item(SK, text(&broken.sk)).item(status::lane_column(3), text("noon")).send().await.unwrap();
    let event = call_in(3, 0, 0);
    take(&aggregator_at_noon(tables.of()), &[(1, &event)]).await;
    tables.store().usage.status().await.unwrap_err();
    let events = [event];
    assert_eq!(tables.held(&events).await, folded(&events));
}
