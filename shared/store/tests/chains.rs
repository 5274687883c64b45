//! Chains and packs in the real table engine: what is appended, redelivered and compacted is counted once.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use chrono_tz::Tz;
use ledger::calendar::Calendar;
use ledger::chain::{Compaction, Family, Kind, Outcome, PackId, Page, Seconds, Span, Task, Timing, assemble};
use ledger::event::{Attribution, Data, Event, TaskCompleted};
use ledger::ids::{AgentId, Name, OrgId};
use ledger::pack::{EventBatch, Table, View};
use ledger::period::Day;
use store::chains::{ShardDay, Tails};
use store::sequence::SequenceNumber;
use store::{Connection, Usage};

const TABLE: &str = "usage";
const KINDS: [View; 3] = [View::Organization, View::Agents, View::AgentModels];

/// The usage table in an engine of its own.
async fn usage() -> Usage {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let database = dynoxide::Database::memory().unwrap();
            dynoxide::server::serve_with_shutdown(listener, database, std::future::pending::<()>()).await
        })
    });
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    let client = Client::from_conf(config);
    let attribute = |name| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(attribute("pk")).attribute_definitions(attribute("sk"));
    let create = create.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
    create.send().await.unwrap();
    Usage::open(&Connection::new(client), TABLE)
}

fn day() -> Day {
    Day::parse("2026-11-28").unwrap()
}

fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

/// Names that do not compress, so that a large batch is split.
fn agent(number: usize) -> String {
    format!("{:016x}", (number as u64 % 500).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn events(count: usize) -> Vec<Event> {
    let event = |number: usize| Event {
        org: org(),
        source: Name::new("s").unwrap(),
        id: Name::new(number.to_string()).unwrap(),
        time: day().start(Tz::UTC),
        revision: 0,
        data: Data::TaskCompleted(TaskCompleted {
            agent_id: AgentId::new(agent(number)).unwrap(),
            task_type: None,
            success: !number.is_multiple_of(5),
            minutes_saved: None,
            duration_ms: None,
            attribution: Attribution::default(),
            project_id: None,
        }),
    };
    (0..count).map(event).collect()
}

struct Aggregator {
    usage: Usage,
    tails: Tails,
    now: Seconds,
}

impl Aggregator {
    async fn append(&mut self, events: &[Event], first: usize) -> Outcome {
        let mut batch = EventBatch::new(Calendar::default());
        for (number, event) in (first..).zip(events) {
            let mark = SequenceNumber::parse(&format!("10000000000000000000{number}")).unwrap();
            batch.push(mark, self.now, event).unwrap();
        }
        let org = org();
        let chain = ShardDay { org: &org, day: day(), arrival: day(), shard: [1; 8] };
        let now = self.now;
        self.usage.append(chain, batch, &mut self.tails, || now).await.map_err(|failed| failed.error).unwrap()
    }

    async fn compact(&self, tasks: Vec<Task<View>>, now: Seconds) {
        let packs = KINDS.map(|kind| PackId { kind, span: Span::Day(day()) }).to_vec();
        let compaction = Compaction::new(day(), packs, tasks, Timing::PRODUCTION, now.cast_unsigned());
        self.usage.compact(&org(), day(), compaction, || now).await.unwrap();
    }

    /// What a reader of a kind sees.
    async fn read(&self, kind: View) -> Table {
        let pages = self.usage.pages(&org(), day(), kind.families(), true).await.unwrap();
        let pack = self.usage.chunks(&org(), PackId { kind, span: Span::Day(day()) }, true).await.unwrap();
        let (pages, packs) = (BTreeMap::from([(day(), pages)]), BTreeMap::from([(day(), pack)]));
        assemble(kind, &[day()], &BTreeMap::new(), &packs, &pages).unwrap()
    }

    async fn check(&self, events: &[Event]) {
        let mut folded = Table::default();
        for event in events {
            folded.add_event(event, &Calendar::default()).unwrap();
        }
        for kind in KINDS {
            assert_eq!(self.read(kind).await, folded.view(kind), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn events_are_counted_once_through_appending_and_compacting() {
    let now = day().start(Tz::UTC).timestamp() + 3600;
    let mut aggregator = Aggregator { usage: usage().await, tails: Tails::default(), now };
    let events = events(600);
    // The first batches are small; a large one then splits the chain.
    for (from, to) in [(0, 5), (5, 8), (8, 200), (200, 210)] {
        assert_eq!(aggregator.append(&events[from..to], from).await, Outcome::Applied);
        aggregator.check(&events[..to]).await;
    }
    // Redelivered with other cuts, by a process that remembers nothing and by one that remembers an old state.
    let old = aggregator.tails;
    for (from, to) in [(0, 3), (3, 100), (6, 300), (150, 301)] {
        aggregator.tails = Tails::default();
        aggregator.append(&events[from..to], from).await;
        aggregator.check(&events[..to.max(210)]).await;
    }
    aggregator.tails = old;
    aggregator.append(&events[290..400], 290).await;
    aggregator.check(&events[..400]).await;

    let absorb = || KINDS.map(|kind| Task::Absorb(PackId { kind, span: Span::Day(day()) })).to_vec();
    let pages = || async { aggregator.usage.pages(&org(), day(), &Family::ALL, true).await.unwrap() };
    let before = pages().await.len();
    let all = [vec![Task::Remove, Task::Close], absorb(), vec![Task::Note]].concat();
    aggregator.compact(all.clone(), now).await;
    aggregator.check(&events[..400]).await;
    assert_eq!(pages().await.len(), before);
    aggregator.compact(all.clone(), now + Timing::PRODUCTION.delete_after).await;
    aggregator.check(&events[..400]).await;
    let left = pages().await;
    assert!(left.len() == 2 && left.values().all(Page::is_emptied), "{left:?}");

    // The emptied pages still tell what is contained.
    aggregator.tails = Tails::default();
    aggregator.append(&events[350..], 350).await;
    aggregator.check(&events).await;
    aggregator.compact(all, now + 1000).await;
    aggregator.check(&events).await;
}

#[tokio::test]
async fn records_older_than_the_stream_keeps_make_the_day_dirty() {
    let now = day().start(Tz::UTC).timestamp();
    let mut aggregator = Aggregator { usage: usage().await, tails: Tails::default(), now };
    let events = events(3);
    let mut batch = EventBatch::new(Calendar::default());
    batch.push(SequenceNumber::parse("1").unwrap(), now - Timing::PRODUCTION.late - 1, &events[0]).unwrap();
    let org = org();
    let chain = ShardDay { org: &org, day: day(), arrival: day(), shard: [1; 8] };
    let outcome = aggregator.usage.append(chain, batch, &mut aggregator.tails, || now).await;
    assert!(matches!(outcome, Ok(Outcome::Dirty)));
    assert_eq!(aggregator.usage.dirty_days().await.unwrap(), [(org, day())]);
    aggregator.check(&[]).await;
}
