//! Bare tables without a stack, and stream records written by hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aggregator::Aggregator;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::cost::CallCost;
use ledger::event::{Data, Event, LlmCall};
use ledger::ids::{AgentId, Label, Name, OrgId};
use ledger::money::Usd;
use ledger::pack::{Table, View};
use ledger::period::{Day, DayRange};
use ledger::pricing::TokenUsage;
use ledger::rollup::{self, Rollup};
use local::engine::Engine;
use local::role::Roles;
use local::stack::{AllTables, all_names};
use local::template::Template;
use local::{sdk, tables};
use runtime::clock::Clock;
use runtime::tables::Database;
use serde_json::{Value, json};
use store::chains::Consistency;
use store::events::RawEvent;
use store::keys::{self, Key, Keyed, Owner};
use store::quarantine::QuarantineEntry;
use store::{Connection, Usage};
use tempfile::TempDir;

use super::attributes::json_of;
use super::noon;

/// Empty tables, deleted on drop.
pub struct Tables {
    /// The embedded engine, unless another one is used.
    _engine: Option<(Engine, TempDir)>,
    pub client: Client,
}

/// The endpoint of another engine to test against, and a new access key, because such an engine isolates tables by
/// access key.
#[allow(clippy::disallowed_methods, reason = "an option of the tests, not of the system")]
pub fn other_engine() -> Option<(String, String)> {
    let endpoint = std::env::var("FLEETLEDGER_TEST_DYNAMODB").ok()?;
    // Twelve digits, because some engines use the access key as the account number.
    let digits = (0..12).map(|_| char::from(rand::random_range(b'1'..=b'9')));
    Some((endpoint, digits.collect()))
}

impl Tables {
    pub async fn new() -> Self {
        let (engine, client) = if let Some((endpoint, key)) = other_engine() {
            (None, sdk::dynamodb(&endpoint, &key))
        } else {
            let folder = tempfile::tempdir().unwrap();
            let engine = Engine::start(&folder.path().join("tables.db")).unwrap();
            let client = sdk::dynamodb(engine.endpoint(), sdk::ACCESS_KEY);
            (Some((engine, folder)), client)
        };
        tables::create(&client, &Template::built_in().unwrap().tables).await.unwrap();
        Self { _engine: engine, client }
    }

    /// A new store, as another Lambda process would have.
    pub fn store(&self) -> AllTables {
        self.of()
    }

    /// The tables of a new process of a function.
    pub fn of<T: runtime::tables::Tables>(&self) -> T {
        open(self.client.clone())
    }

    /// The stored rollups to which `events` contribute.
    pub async fn held(&self, events: &[Event]) -> Sums {
        held(&self.store(), events).await
    }
}

/// The rollups of a set of events.
#[derive(Debug, Default, PartialEq)]
pub struct Sums {
    /// Rollups by key.
    pub items: BTreeMap<Key, Rollup>,
    /// The views of chains.
    pub agents: BTreeMap<(OrgId, Day), Vec<Table>>,
}

/// The views that chains are merged into.
pub const AGENT_VIEWS: [View; 4] = [View::Agents, View::AgentModels, View::Tracked, View::Hours];

/// The rollups in `store` to which `events` contribute.
pub async fn held(store: &AllTables, events: &[Event]) -> Sums {
    let mut held = Sums::default();
    let folded = folded(events);
    for key in folded.items.into_keys() {
        let sums = store.usage.sums(&key).await.unwrap();
        held.items.insert(key, sums);
    }
    for (org, day) in folded.agents.into_keys() {
        let views = agents_of(&store.usage, &org, day).await;
        held.agents.insert((org, day), views);
    }
    held
}

/// The stored views of agents on a day.
pub async fn agents_of(usage: &Usage, org: &OrgId, day: Day) -> Vec<Table> {
    let (owner, days) = (Owner::new(org, Generation::FIRST), DayRange { first: day, last: day });
    let stored = usage.stored_agents(&owner, days, &AGENT_VIEWS, Consistency::Strong).await.unwrap();
    stored.views(day).unwrap()
}

/// An aggregator at [`noon`](super::noon).
pub fn aggregator_at_noon(tables: aggregator::Tables) -> Aggregator {
    Aggregator::new(tables, Clock::fixed(noon()))
}

/// The tables through `client`.
pub fn open<T: runtime::tables::Tables>(client: Client) -> T {
    open_through(&Connection::new(client))
}

/// The tables through `connection`, with its meter.
pub fn open_through<T: runtime::tables::Tables>(connection: &Connection) -> T {
    T::open(&Database::new(connection.clone(), all_names())).unwrap()
}

/// The tables of the aggregator among all, with the same meter.
pub fn aggregator_of(all: &AllTables) -> aggregator::Tables {
    aggregator::Tables { usage: all.usage.clone(), registry: all.registry.clone() }
}

/// The tables of reconcile among all, with the same meter.
pub fn reconcile_of(all: &AllTables) -> reconcile::Tables {
    let AllTables { events, usage, registry } = all.clone();
    reconcile::Tables { events, usage, registry }
}

/// The tables of budget-alerts among all, with the same meter.
pub fn budget_alerts_of(all: &AllTables) -> budget_alerts::Tables {
    let AllTables { events, usage, registry } = all.clone();
    budget_alerts::Tables { events, usage, registry }
}

/// The names of the tables.
pub struct Names {
    pub events: String,
    pub usage: String,
    pub registry: String,
}

/// The names of the tables.
pub fn names() -> Names {
    let name = |id: &str| tables::table_name(id);
    Names { events: name("EventsTable"), usage: name("UsageTable"), registry: name("RegistryTable") }
}

static ROLES: LazyLock<Roles> = LazyLock::new(|| Roles::of(&Template::built_in().unwrap()));

/// `client`, restricted to the role of the function `binary`.
pub fn as_function(binary: &str, client: &Client) -> Client {
    ROLES.client(binary, client)
}

/// The rollups that `events` should give if each is counted once.
pub fn folded(events: &[Event]) -> Sums {
    let mut folded = Sums::default();
    let mut agents: BTreeMap<_, Table> = BTreeMap::new();
    for event in events {
        for (target, sums) in rollup::contribution(event, &[Calendar::default()]).sums {
            folded.items.entry(target.key()).or_default().merge(&sums);
        }
        let of_day = agents.entry((event.org.clone(), event.utc_day())).or_default();
        of_day.add_chained(event, &TrackedDimensions::default()).unwrap();
    }
    let views = |table: &Table| AGENT_VIEWS.map(|view| table.view(view)).to_vec();
    let agents = agents.into_iter().filter(|(_, table)| !table.is_empty());
    folded.agents = agents.map(|(day, table)| (day, views(&table))).collect();
    folded
}

/// A call by `agent` that costs `cost` dollars.
pub fn call(id: usize, agent: &str, model: &str, cost: &str, time: DateTime<Utc>) -> Event {
    let name = |text: &str| Name::new(text).unwrap();
    Event {
        org: OrgId::new("acme").unwrap(),
        source: name("test"),
        id: name(&id.to_string()),
        time,
        revision: 0,
        data: Data::LlmCall(LlmCall::plain(
            AgentId::new(agent).unwrap(),
            Label::new("p").unwrap(),
            Label::new(model).unwrap(),
            TokenUsage { input: 10, output: 1, ..TokenUsage::default() },
            CallCost {
                input: Usd::new(cost.parse().unwrap()),
                row: Some("test".to_owned()),
                ..CallCost::default()
            },
        )),
    }
}

/// The stream record of the insertion of `event`.
pub fn record(event: &Event, sequence_number: &str) -> Value {
    // Streams keep records for a day at most.
    let stored = event.time.max(noon() - TimeDelta::days(1));
    let raw = RawEvent::new(event, [0; 8], stored, 400).unwrap();
    let key = &raw.key;
    let image = &json_of(&AttributeValue::M(raw.item().clone()))["M"];
    json!({
        "eventID": format!("{sequence_number:0>32}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": STREAM,
        "dynamodb": {
            "ApproximateCreationDateTime": 1_789_473_600.0,
            "Keys": { keys::PK: { "S": key.pk }, keys::SK: { "S": key.sk } },
            "NewImage": image,
            "SequenceNumber": sequence_number,
            "SizeBytes": 500,
            "StreamViewType": "NEW_IMAGE",
        },
    })
}

/// The stream of records made by [`record`].
pub const STREAM: &str = "arn:aws:dynamodb:us-east-1:1:table/events/stream/2026-01-01T00:00:00.000";

/// A delivery of records of one shard.
pub fn delivery(stream: &str, shard: &str, records: &[Value]) -> Value {
    json!({
        "Records": records,
        "window": { "start": "2026-09-15T12:00:00Z", "end": "2026-09-15T12:15:00Z" },
        "state": {},
        "shardId": shard,
        "eventSourceARN": stream,
        "isFinalInvokeForWindow": false,
        "isWindowTerminatedEarly": false,
    })
}

/// All quarantined records, read in pages.
pub async fn quarantined(usage: &Usage) -> Vec<QuarantineEntry> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = usage.quarantined(after.as_deref(), 7).await.unwrap();
        all.extend(page.entries);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// Delivers records and expects that none fails.
pub async fn deliver(aggregator: &Aggregator, shard: &str, records: &[Value]) {
    let response = aggregator.handle(delivery(STREAM, shard, records)).await.unwrap();
    assert_eq!(response, json!({ "state": {}, "batchItemFailures": [] }));
}
