use std::sync::{Arc, Mutex as StdMutex};

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::time::timeout;

use super::*;
use crate::aws::engine::Engine;
use crate::aws::{sdk, tables};
use crate::template::Template;
use crate::testing;

/// A scripted function: its response to a batch of record names.
type Script = Box<dyn FnMut(&[String]) -> Result<Value, lambda_runtime::Error> + Send>;

/// A stream and a scripted function that records what it is invoked with.
struct Rig {
    engine: Engine,
    client: aws_sdk_dynamodb::Client,
    arn: String,
    mapping: StreamMapping,
    seen: Arc<StdMutex<Vec<Vec<String>>>>,
    events: Arc<StdMutex<Vec<Value>>>,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn new() -> Self {
        let (engine, client, folder) = testing::engine();
        let template = Template::built_in().unwrap();
        tables::create(&client, &template.tables).await.unwrap();
        let arn = tables::stream_arn(&client, "EventsTable").await.unwrap();
        let mapping = template.mappings[0].clone();
        Self { engine, client, arn, mapping, seen: Arc::default(), events: Arc::default(), _folder: folder }
    }

    async fn write(&self, ids: impl IntoIterator<Item = u32>) {
        for id in ids {
            let put = self.client.put_item().table_name("fleetledger-events");
            let put = put.item("pk", AttributeValue::S("o#2025-01-01#0".to_owned()));
            put.item("sk", AttributeValue::S(format!("{id:03}"))).send().await.unwrap();
        }
    }

    async fn poller(&self, mut script: Script) -> StreamPoller {
        let (seen, events) = (self.seen.clone(), self.events.clone());
        let script = Arc::new(StdMutex::new(move |event: Value| {
            let names = event["Records"].as_array().unwrap().iter();
            let name = |record: &Value| record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().to_owned();
            let names: Vec<_> = names.map(name).collect();
            let response = script(&names);
            seen.lock().unwrap().push(names);
            events.lock().unwrap().push(event);
            response
        }));
        let handler: Handler = Arc::new(move |event| {
            let response = script.lock().unwrap_or_else(std::sync::PoisonError::into_inner)(event);
            Box::pin(async move { response })
        });
        let client = sdk::streams(self.engine.endpoint(), sdk::ACCESS_KEY);
        let checkpoints = Checkpoints::of("test", Some(self.engine.file())).await.unwrap();
        StreamPoller::new(
            client,
            self.arn.clone(),
            self.mapping.clone(),
            Duration::from_secs(1),
            checkpoints,
            handler,
        )
    }

    fn sequence_of(&self, id: &str) -> Value {
        let events = self.events.lock().unwrap();
        let records = events.iter().flat_map(|event| event["Records"].as_array().unwrap());
        let mut found = records.filter(|record| record["dynamodb"]["Keys"]["sk"]["S"] == id);
        found.next().unwrap()["dynamodb"]["SequenceNumber"].clone()
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().drain(..).map(|batch| batch.join(" ")).collect()
    }
}

fn accepted() -> Value {
    json!({ "state": {}, "batchItemFailures": [] })
}

#[tokio::test]
async fn an_event_has_the_fields_that_lambda_sends() {
    let rig = Rig::new().await;
    rig.write([1]).await;
    rig.poller(Box::new(|_| Ok(accepted()))).await.drain().await;
    let event = rig.events.lock().unwrap().remove(0);
    let record = &event["Records"][0];
    assert_eq!(record["eventName"], "INSERT");
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["eventSourceARN"], rig.arn);
    assert_eq!(record["dynamodb"]["NewImage"]["pk"]["S"], "o#2025-01-01#0");
    assert_eq!(record["dynamodb"]["StreamViewType"], "NEW_IMAGE");
    assert!(record["dynamodb"].get("OldImage").is_none());
    assert_eq!(event["shardId"], "shardId-00000001-fleetledger-events");
    assert_eq!(event["eventSourceARN"], rig.arn);
    assert_eq!(event["state"], json!({}));
    assert_eq!(event["isFinalInvokeForWindow"], false);
    assert!(event["window"]["start"].as_str().unwrap().ends_with("00Z"));
}

#[tokio::test]
async fn a_failed_record_and_its_successors_are_delivered_again() {
    let mut rig = Rig::new().await;
    rig.mapping.batch_size = 4;
    rig.write(1..=6).await;
    let mut failures = 2;
    let sequence = Arc::new(StdMutex::new(Value::Null));
    let identifier = sequence.clone();
    let poller = rig.poller(Box::new(move |names| {
        if names.contains(&"003".to_owned()) && failures > 0 {
            failures -= 1;
            return Ok(
                json!({ "state": {}, "batchItemFailures": [{ "itemIdentifier": *identifier.lock().unwrap() }] }),
            );
        }
        Ok(accepted())
    })).await;
    // The first response names a record that does not exist, which fails the whole batch and halves the next one.
    *sequence.lock().unwrap() = json!("1");
    let first = poller.round().await;
    assert!(matches!(first, Progress::Retry(_)));
    *sequence.lock().unwrap() = rig.sequence_of("003");
    poller.drain().await;
    assert_eq!(rig.seen(), ["001 002 003 004", "001 002", "003 004 005 006", "003 004 005 006"]);
}

#[tokio::test]
async fn a_failing_batch_is_bisected_until_it_is_accepted() {
    let rig = Rig::new().await;
    rig.write(1..=8).await;
    let mut calls = 0;
    let poller = rig
        .poller(Box::new(move |names| {
            calls += 1;
            assert_ne!(calls, 2, "a panic counts as a failure");
            if names.len() > 1 && names.contains(&"002".to_owned()) {
                Err("too much".into())
            } else {
                Ok(accepted())
            }
        }))
        .await;
    poller.drain().await;
    let delivered =
        ["001 002 003 004 005 006 007 008", "001 002", "001", "002 003", "002", "003 004", "005 006 007 008"];
    assert_eq!(rig.seen(), delivered);
}

#[tokio::test]
async fn a_restart_continues_after_the_last_accepted_batch() {
    let rig = Rig::new().await;
    rig.write(1..=2).await;
    rig.poller(Box::new(|_| Ok(accepted()))).await.drain().await;
    rig.write(3..=4).await;
    let failing = rig.poller(Box::new(|_| Err("not yet".into()))).await;
    failing.round().await;
    drop(failing);
    let poller = rig.poller(Box::new(|_| Ok(accepted()))).await;
    poller.drain().await;
    assert_eq!(rig.seen(), ["001 002", "003 004", "003 004"]);
    // Processed records can be trimmed; the poller does not need them.
    for (shard, through) in poller.positions().await {
        assert_eq!(rig.engine.file().trim_stream("fleetledger-events", &shard, &through).await.unwrap(), 3);
    }
    rig.write([5]).await;
    poller.drain().await;
    poller.rewind().await;
    poller.drain().await;
    assert_eq!(rig.seen(), ["005", "004 005"]);
}

#[tokio::test]
async fn a_window_that_is_over_is_ended_with_a_final_invocation() {
    let mut rig = Rig::new().await;
    rig.mapping.tumbling_window_in_seconds = Some(1);
    rig.write([1]).await;
    let poller = rig.poller(Box::new(|_| Ok(json!({ "state": { "n": 1 } })))).await;
    poller.drain().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    poller.drain().await;
    rig.write([2]).await;
    poller.drain().await;
    assert_eq!(rig.seen()[..3], ["001", "", "002"]);
    let events = rig.events.lock().unwrap();
    assert_eq!(events[1]["isFinalInvokeForWindow"], true);
    assert_eq!(events[1]["state"], json!({ "n": 1 }));
    assert_eq!(events[1]["window"], events[0]["window"]);
    assert_eq!(events[2]["state"], json!({}));
}

#[tokio::test]
async fn a_running_poller_delivers_an_event_soon_and_stops_when_told() {
    let rig = Rig::new().await;
    let poller = Arc::new(rig.poller(Box::new(|_| Ok(accepted()))).await);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn({
        let poller = poller.clone();
        async move { poller.run(stopped).await }
    });
    rig.write([1]).await;
    let start = Instant::now();
    while rig.seen.lock().unwrap().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    timeout(Duration::from_secs(1), running).await.unwrap().unwrap();
}
