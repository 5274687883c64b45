//! The cost of watching many budgets. The ordinary test has a few organizations; a thousand need gigabytes and are only
//! created on request:
//!
//! ```text
//! FLEETLEDGER_ORGS=1000 cargo test --release -p system-tests -- --nocapture many_organizations
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use budget_alerts::{BudgetAlerts, Channels};
use chrono::TimeDelta;
use chrono_tz::Europe::Berlin;
use dynoxide::{Database, ImportOptions, Item};
use ledger::calendar::{Calendar, Generation};
use ledger::chain::{Chunks, PackId, Span};
use ledger::event::{Data, Event, LlmCall};
use ledger::ids::{AgentId, OrgId};
use ledger::pack::Table;
use ledger::period::{Day, DayRange};
use ledger::rollup::{self, Rollup, RollupId, Subject};
use local::tables;
use local::template::Template;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::Reading;
use store::keys::columns::spell;
use store::keys::{self, Key, Keyed, Owner, PK, SK, VERSION};
use webhook::{Policy, TIMEOUT, Webhooks};

use crate::simulation::engine::Engine;
use crate::simulation::number;
use crate::simulation::wire::{DIRECT, Wire};
use crate::support::noon;
use crate::support::tables::{AGENT_VIEWS, call, names, open, record};

/// Agents per organization, each with a budget and calls to two models.
const AGENTS: usize = 100;
/// One in so many agents crosses a threshold.
const CROSSING: usize = 20;
/// Organizations in the ordinary test.
const FEW: u64 = 3;
/// More time than any run takes. The test measures how much of it is used.
const TIME: Duration = Duration::from_hours(1);

/// A rollup item of `events` with the marks of four shards, as the aggregator leaves it.
fn usage(events: &[Event], is_target: fn(&RollupId) -> bool) -> Value {
    let mut sums = Rollup::default();
    for event in events {
        for (_, more) in rollup::contribution(event, &[Calendar::default()])
            .sums
            .into_iter()
            .filter(|(target, _)| is_target(target))
        {
            sums.merge(&more);
        }
    }
    let numbers = sums.numbers.iter().map(|(column, n)| (spell(column), json!({ "N": n.to_string() })));
    let names = sums.names.iter().map(|(column, name)| (spell(column), json!({ "S": name })));
    let mark = |shard| {
        (keys::mark_column("stream", &format!("{shard}")), json!({ "B": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }))
    };
    Value::Object(numbers.chain(names).chain((0..4).map(mark)).collect())
}

fn at(key: Key, mut item: Value) -> Item {
    item[PK] = json!({ "S": key.pk });
    item[SK] = json!({ "S": key.sk });
    item[VERSION] = json!({ "N": "1" });
    serde_json::from_value(item).unwrap()
}

fn set(settings: Value) -> Value {
    json!({ "settings": { "M": settings }, "etag": { "S": "0123456789abcdef" } })
}

/// The raw events of yesterday and today that an alert reads: one per agent and day.
fn raw(org: &OrgId) -> Vec<Item> {
    let event = |i: usize| {
        let time = noon() - TimeDelta::hours(if i < AGENTS { 0 } else { 23 });
        let event = call(i, &format!("agent-{:03}", i % AGENTS), "claude-haiku-3.5", "0.012345", time);
        let event = Event { org: org.clone(), ..event };
        let image = &record(&event, "1")["dynamodb"]["NewImage"];
        serde_json::from_value(image.clone()).unwrap()
    };
    (0..2 * AGENTS).map(event).collect()
}

struct Fleet {
    agents: Table,
    org_day: Value,
    days: DayRange,
}

impl Fleet {
    fn new() -> Self {
        let events: Vec<_> = (0..20)
            .map(|i| call(i, "nova", ["claude-haiku-3.5", "claude-sonnet-4-5"][i % 2], "0.012345", noon()))
            .collect();
        let mut agents = Table::default();
        for agent in 0..AGENTS {
            for event in &events {
                let Data::LlmCall(of_nova) = &event.data else { unreachable!() };
                let agent_id = AgentId::new(format!("agent-{agent:03}")).unwrap();
                agents.add_agent_event(&Data::LlmCall(LlmCall { agent_id, ..of_nova.clone() })).unwrap();
            }
        }
        let of_org = |target: &RollupId| matches!(target, RollupId::OrgDay(..));
        let today = Day::of(noon(), chrono_tz::UTC);
        let days = DayRange { first: today.month().first(), last: today };
        Self { agents, org_day: usage(&events, of_org), days }
    }

    /// The rollups of an organization for the month.
    fn usage(&self, org: &OrgId) -> Vec<Item> {
        let mut items = Vec::new();
        for day in self.days.days() {
            items.push(at(RollupId::OrgDay(org.clone(), Generation::FIRST, day).key(), self.org_day.clone()));
        }
        items
    }

    /// Writes the packs of an organization for the month.
    async fn write_packs(&self, usage: &store::Usage, org: &OrgId) {
        let (owner, none) = (Owner::new(org, Generation::FIRST), Chunks::<Table>::new());
        for day in self.days.days() {
            for kind in AGENT_VIEWS {
                let (pack, rows) = (PackId { kind, span: Span::Day(day) }, self.agents.view(kind));
                usage.seal_pack(&owner, pack, &none, &rows, noon().timestamp()).await.unwrap();
            }
        }
    }
}

/// The settings of an organization. All agents have a budget, and some have used half of it.
fn registry(org: &OrgId) -> Vec<Item> {
    let seen = json!({ "seen_first": { "S": "2026-01-01T12:00:00Z" }, "seen_last": { "S": "2026-09-15T12:00:00Z" } });
    let mut items = vec![
        at(store::keys::subject(org, &Subject::Org), seen.clone()),
        at(keys::organization_settings(org), set(json!({ "timezone": { "S": Berlin.name() } }))),
        at(
            keys::calendar(org),
            set(json!({ "active": { "M": { "generation": { "N": "0" }, "zone": { "S": Berlin.name() } } } })),
        ),
        at(keys::budget(org), set(json!({ "monthly": { "S": "100000.00" }, "forecast": { "BOOL": true } }))),
    ];
    // At 20 calls a day for 15 days.
    for agent in 0..AGENTS {
        let monthly = if agent % CROSSING == 0 { "5.00" } else { "1000.00" };
        let agent = AgentId::new(format!("agent-{agent:03}")).unwrap();
        let mut known =
            set(json!({ "name": { "S": agent.as_str() }, "cost_budget_monthly": { "S": monthly } }));
        known["seen_first"] = seen["seen_first"].clone();
        known["seen_last"] = seen["seen_last"].clone();
        items.push(at(keys::agent(org, &agent), known));
        items.push(at(keys::agent_budget(org, &agent), set(json!({ "monthly": { "S": monthly } }))));
    }
    items
}

async fn filled(orgs: usize) -> (Wire, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(folder.path().join("tables.db").to_str().unwrap()).unwrap();
    let engine = Arc::new(Engine::over(database.clone()));
    let wire = Wire::new(engine);
    tables::create(&wire.client(DIRECT), &Template::built_in().unwrap().tables).await.unwrap();
    database.enable_bulk_loading().unwrap();
    let fleet = Fleet::new();
    for org in 0..orgs {
        let org = OrgId::new(format!("org-{org:05}")).unwrap();
        let import =
            |table: &str, items| database.import_items(table, items, ImportOptions::default()).unwrap();
        import(&names().usage, fleet.usage(&org));
        import(&names().registry, registry(&org));
        import(&names().events, raw(&org));
    }
    database.disable_bulk_loading().unwrap();
    let store: budget_alerts::Tables = open(wire.client(DIRECT));
    for org in 0..orgs {
        fleet.write_packs(&store.usage, &OrgId::new(format!("org-{org:05}")).unwrap()).await;
    }
    (wire, folder)
}

/// The processor time used by this process, in hundredths of a second: on a busy machine more meaningful than elapsed
/// time.
fn hundredths() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the parenthesized name; user and system time are the 12th and 13th of them.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn print(what: &str, took: Duration, hundredths: u64, counts: &Value, used: Reading) {
    let halves = |units: u64| format!("{}.{}", units / 2, units % 2 * 5);
    println!(
        "{what}: {} s, of which {}.{:02} s of processor time, the table engine's included; {} reads of {} units, {} \
         writes of {} units: {counts}",
        took.as_secs(),
        hundredths / 100,
        hundredths % 100,
        used.reads,
        halves(used.half_read_units),
        used.writes,
        halves(used.half_write_units),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_organizations_with_a_hundred_budgets_each() {
    let orgs = usize::try_from(number("FLEETLEDGER_ORGS").unwrap_or(FEW)).unwrap();
    let begun = Instant::now();
    let (wire, _folder) = filled(orgs).await;
    println!("created {orgs} organizations in {:.0} s", begun.elapsed().as_secs_f64());
    let store: budget_alerts::Tables = open(wire.client(DIRECT));
    let clock = Clock::fixed(noon());
    let webhooks = Webhooks::new(Policy { allow_local: false, timeout: TIMEOUT }).unwrap();
    let function = BudgetAlerts::new(store.clone(), clock.clone(), Channels::new(webhooks));
    // First, half a budget and a forecast of a whole one for each crossing agent; then nothing new.
    for (what, decided) in [("with decisions", 2 * orgs * AGENTS / CROSSING), ("without", 0)] {
        let (begun, before, used) = (Instant::now(), store.usage.meter().reading(), hundredths());
        let counts = function.handle(json!({}), TIME).await.unwrap();
        let (took, used) = (begun.elapsed(), hundredths() - used);
        let reading = store.usage.meter().reading().since(before);
        print(what, took, used, &counts, reading);
        assert_eq!((&counts["organizations"], &counts["failed"]), (&json!(orgs), &json!(0)));
        assert_eq!(counts["decided"], json!(decided));
        clock.set(clock.now() + TimeDelta::minutes(5));
    }
}
