//! A rollup that changes in every round, so that reconcile cannot tell missing events from events on their way.

use std::sync::Arc;

use aggregator::Aggregator;
use ledger::event::{AgentActivity, Attribution, Data, Event};
use ledger::ids::{AgentId, Name};
use ledger::period::Day;
use local::tables;
use local::template::Template;
use reconcile::Reconciler;
use runtime::clock::Clock;
use runtime::config::DEFAULT_EVENT_RETENTION_DAYS;
use serde_json::{Value, json};
use store::keys::SEALED;

use super::TIME;
use crate::simulation::engine::Engine;
use crate::simulation::wire::{DIRECT, SdkResponse, Wire};
use crate::support::noon;
use crate::support::tables::{aggregator_at_noon, call, deliver, folded, held, names, open, record};

const RECONCILER: u32 = 1;

/// Tables that change while reconcile reads them.
struct ChangingTables {
    engine: Arc<Engine>,
    wire: Wire,
    aggregator: Aggregator,
    /// In the order of the stream.
    events: Vec<Event>,
}

impl ChangingTables {
    async fn new() -> Self {
        let engine = Arc::new(Engine::new());
        let wire = Wire::new(engine.clone());
        let client = wire.client(DIRECT);
        tables::create(&client, &Template::built_in().unwrap().tables).await.unwrap();
        let aggregator = aggregator_at_noon(open(client));
        Self { engine, wire, aggregator, events: Vec::new() }
    }

    /// Stores a new event.
    fn store(&mut self, agent: &str) {
        let activity = AgentActivity {
            agent_id: AgentId::new(agent).ok(),
            event_type: Name::new("tool_call").unwrap(),
            details: "{}".to_owned(),
            attribution: Attribution::default(),
        };
        let data = Data::AgentActivity(activity);
        let event = Event { data, ..call(self.events.len(), agent, "m", "0.01", noon()) };
        let item = record(&event, "1")["dynamodb"]["NewImage"].clone();
        let put = json!({ "TableName": names().events, "Item": item });
        assert_eq!(self.engine.execute("PutItem", &put).0, 200);
        self.events.push(event);
    }

    /// Delivers all stored events to the aggregator.
    async fn count(&self) {
        let records: Vec<_> =
            (1..).zip(&self.events).map(|(nth, event)| record(event, &format!("{nth:021}"))).collect();
        deliver(&self.aggregator, "shardId-1", &records).await;
    }
}

#[tokio::test]
async fn an_item_that_keeps_changing_is_neither_drift_nor_written() {
    let mut tables = ChangingTables::new().await;
    let store = open(tables.wire.client(RECONCILER));
    let reconciler = Reconciler::new(store, Clock::fixed(noon()), DEFAULT_EVENT_RETENTION_DAYS);
    let day = Day::of(noon(), chrono_tz::UTC).to_string();
    let asked = json!({ "do": "day", "org": "acme", "day": day, "repair": true });
    let run =
        tokio::spawn(async move { reconciler.handle(asked, TIME).await.map_err(|error| error.to_string()) });
    let mut round = 0;
    while !run.is_finished() {
        tokio::task::yield_now().await;
        let Some((number, _)) = tables.wire.waiting().first().copied() else { continue };
        let request = tables.wire.take(number);
        let agent = format!("agent-{round}");
        let is_of = |table: &str| request.body["TableName"] == json!(table);
        // Each round reads the dirty marker, then the rollups, then the events, among which there is now an entry in the log of
        // an agent that was not listed; and by the time that agent's item is read, another of its events has been counted.
        if is_of(&names().usage) && request.place.contains("#dirty") {
            round += 1;
        } else if is_of(&names().events) && tables.events.iter().all(|event| !named(event, &agent)) {
            tables.store(&agent);
        } else if request.operation == "GetItem" && request.place.contains(&agent) {
            tables.store(&agent);
            tables.count().await;
        }
        let (status, body) = tables.engine.execute(&request.operation, &request.body);
        request.respond(SdkResponse::Http(status, body));
    }
    assert!(round > 2, "{round}");
    let failure = run.await.unwrap().unwrap_err();
    assert!(failure.contains("it changed all the time"), "{failure}");
    tables.count().await;
    let store = open(tables.wire.client(DIRECT));
    assert_eq!(held(&store, &tables.events).await, folded(&tables.events));
    let newest = format!("agent-{round}");
    let items = tables.engine.all(&names().usage);
    let items: Vec<Value> = items.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
    let item = items.iter().find(|item| item["pk"]["S"].as_str().unwrap().ends_with(&newest)).unwrap();
    assert!(item.get(SEALED).is_none(), "{item}");
}

fn named(event: &Event, agent: &str) -> bool {
    serde_json::to_value(&event.data).unwrap()["agent_id"] == agent
}
