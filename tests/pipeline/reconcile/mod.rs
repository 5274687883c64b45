//! Reconciliation: drift is found, repaired on request, and a sealed day stays exact.

mod drift;
mod expired;
mod large;
mod nightly;
mod quarantined;
mod replay;
mod sealed;
mod unsettled;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use reconcile::{Reconciler, SETTLE};
use runtime::clock::Clock;
use runtime::config::DEFAULT_EVENT_RETENTION_DAYS;
use serde_json::{Value, json};
use store::keys::{Key, PK, SK, VERSION};

use crate::support::events::{call, event};
use crate::support::tables::{names, reconcile_of};
use crate::support::{World, noon};

/// A stored item.
type Item = HashMap<String, AttributeValue>;

/// The timeout of an invocation.
const TIME: Duration = Duration::from_mins(15);

/// A system with events of every kind, and its reconciler.
struct ReconcileFixture {
    world: World,
    reconciler: Reconciler,
}

impl ReconcileFixture {
    /// Three days of events of two organizations, all aggregated and settled.
    async fn new() -> Self {
        let world = World::new().await;
        let zone = json!({ "name": "Bolt", "timezone": "Asia/Kathmandu" });
        world.caller("bolt").put("/api/organization", &zone).await;
        for org in ["acme", "bolt"] {
            world.caller(org).record(&events()).await;
        }
        let fixture = Self::over(world);
        fixture.wait(SETTLE + TimeDelta::seconds(1));
        fixture
    }

    fn over(world: World) -> Self {
        let (tables, clock) = (reconcile_of(world.stack.tables()), world.stack.clock().clone());
        Self { world, reconciler: Reconciler::new(tables, clock, DEFAULT_EVENT_RETENTION_DAYS) }
    }

    fn clock(&self) -> &Clock {
        self.world.stack.clock()
    }

    fn wait(&self, time: TimeDelta) {
        self.clock().set(self.clock().now() + time);
    }

    async fn invoke(&self, asked: Value) -> Result<Value, String> {
        self.reconciler.handle(asked, TIME).await.map_err(|error| error.to_string())
    }

    /// Reconciles a day; `how` is empty, `repair` or `seal`.
    async fn reconcile(&self, org: &str, day: &str, how: &str) -> Value {
        let mut asked = json!({ "do": "day", "org": org, "day": day });
        if !how.is_empty() {
            asked[how] = json!(true);
        }
        self.invoke(asked).await.unwrap()
    }

    /// The whole usage table.
    #[allow(clippy::disallowed_methods, reason = "the table is small, and scanned on purpose")]
    async fn usage(&self) -> BTreeMap<Key, Item> {
        let all = self.world.stack.client().scan().table_name(names().usage).send().await.unwrap();
        let text = |item: &Item, name| item[name].as_s().unwrap().clone();
        let key = |item: &Item| Key { pk: text(item, PK), sk: text(item, SK) };
        all.items.unwrap().into_iter().map(|item| (key(&item), item)).collect()
    }

    /// Changes an item directly in the table.
    async fn tamper(&self, key: &Key, change: impl FnOnce(&mut Item)) {
        let mut item = self.usage().await.remove(key).unwrap_or_else(|| self.empty(key));
        change(&mut item);
        let put = self.world.stack.client().put_item().table_name(names().usage);
        put.set_item(Some(item)).send().await.unwrap();
    }

    #[allow(clippy::unused_self, reason = "reads better")]
    fn empty(&self, key: &Key) -> Item {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let version = (VERSION.to_owned(), number("1"));
        Item::from([(PK.to_owned(), s(&key.pk)), (SK.to_owned(), s(&key.sk)), version])
    }

    /// The responses of all endpoints that read rollups.
    async fn figures(&self, org: &str) -> Vec<Value> {
        let caller = self.world.caller(org);
        let mut figures = Vec::new();
        for path in [
            "/v1/metrics/summary?days=7",
            "/v1/metrics/usage?days=7",
            "/v1/metrics/models?days=7",
            "/v1/metrics/instances?days=7",
            "/v1/billing",
            "/api/usage?period=daily&start_date=2026-09-10T00:00:00Z&end_date=2026-09-17T00:00:00Z",
            "/api/usage?start_date=2026-09-12T00:00:00Z&end_date=2026-09-16T00:00:00Z",
            "/api/cost-analysis/summary",
            "/api/cost-analysis/agents",
            "/api/agents/workforce/agents",
            "/api/activity?from=2026-09-10T00:00:00Z",
        ] {
            figures.push(caller.get(path).await);
        }
        figures
    }
}

fn key(pk: &str, sk: &str) -> Key {
    Key { pk: pk.to_owned(), sk: sk.to_owned() }
}

fn number(n: &str) -> AttributeValue {
    AttributeValue::N(n.to_owned())
}

/// Events of every kind on three days. Each compute sample is sent a day late and spans midnight.
fn events() -> Vec<Value> {
    (0..3).flat_map(events_of).collect()
}

fn events_of(days_ago: i64) -> Vec<Value> {
    let time = noon() - TimeDelta::days(days_ago) - TimeDelta::hours(1);
    let id = |what: &str| format!("{what}-{days_ago}");
    let mut first = call(&id("call"), time);
    first["data"]["end_user"] = json!(format!("user-{days_ago}"));
    first["data"]["cost_usd"] = json!("0.000000000001");
    let mut second = call(&id("other"), time);
    second["data"]["agent_id"] = json!("atlas");
    second["data"]["end_user"] = json!("somebody");
    let task = json!({ "agent_id": "nova", "minutes_saved": "12.345" });
    let entry = json!({ "agent_id": "atlas", "event_type": "tool_call", "details": {} });
    let sample = json!({
        "project_id": "site", "instance_id": "i-1", "from": time - TimeDelta::hours(40), "to": time - TimeDelta::hours(17),
        "cpu_cores": "0.3", "ram_gb": 1, "disk_gb": 2, "bandwidth_in_bytes": 1_000_001, "bandwidth_out_bytes": 7,
    });
    vec![
        first,
        second,
        event(&id("task"), "task.completed", time, task),
        event(&id("entry"), "agent.activity", time, entry.clone()),
        // On the previous day, but not in every zone.
        event(&id("night-entry"), "agent.activity", time - TimeDelta::hours(14 - 6 * days_ago), entry),
        event(&id("sample"), "compute.usage", time, sample),
    ]
}
