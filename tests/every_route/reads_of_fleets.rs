//! Read units and round trips of requests about a large fleet, as reported by DynamoDB.

use std::collections::BTreeMap;

use axum::body::Body;
use chrono::TimeDelta;
use futures::stream::{self, StreamExt};
use http::Request;
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::chain::{Chunk, ChunkId, Cover, KeyRange, PackId, Rows, Span};
use ledger::event::{Data, Event};
use ledger::ids::{Label, OrgId};
use ledger::pack::{Block, Table, View};
use ledger::period::{Day, DayRange};
use ledger::rollup::{self, Rollup, RollupId, Sighting};
use local::stack::AllTables;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use store::Connection;
use store::keys::{Keyed, Owner, chains};
use store::sequence::SequenceNumber;
use store::usage::ShardRange;
use web::auth::Scope;

use super::routes::{functions, router};
use crate::support::tables::{AGENT_VIEWS, call};
use crate::support::waves::{Call, Waves};
use crate::support::{World, noon, response_of};

/// The first models that agents call.
const MODELS: [&str; 5] =
    ["claude-opus-4-1", "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-sonnet-4"];
/// The shards of a day: four lanes, six rotations.
const SHARDS: u8 = 24;

fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

/// Agents whose days are all alike.
struct Fleet {
    agents: usize,
    models: usize,
    /// The calls of a day.
    calls: usize,
}

const FLEET: Fleet = Fleet { agents: 1_000, models: 5, calls: 20_000 };

impl Fleet {
    /// The calls of any day.
    fn calls(&self) -> Vec<Event> {
        let mut random = StdRng::seed_from_u64(7);
        let call = |i| {
            let agent = format!("agent-{:04}", i % self.agents);
            let model = random.random_range(0..self.models);
            let model = MODELS.get(model).map_or_else(|| format!("model-{model}"), ToString::to_string);
            let mut event = call(i, &agent, &model, "0.012345", noon() - TimeDelta::days(89));
            if let Data::LlmCall(call) = &mut event.data {
                call.provider = Label::new("anthropic").unwrap();
                call.tokens.input = random.random_range(1..20_000);
                call.tokens.output = random.random_range(1..2_000);
                call.tokens.cache_read = random.random_range(0..50_000);
                call.latency_ms = Some(random.random_range(200..20_000));
                call.task_type = Label::new(["coding", "research", "chat"][i % 3]).ok();
            }
            event
        };
        (0..self.calls).map(call).collect()
    }
}

/// Writes a pack of days that are all alike, in chunks that an item has room for.
async fn write_pack(store: &AllTables, pack: PackId<View>, days: &[Day], rows: &Table) {
    let mut sum = Table::default();
    for _ in days {
        sum.merge(rows);
    }
    let mut chunks = BTreeMap::new();
    let mut left = vec![(KeyRange { from: 0, to: None }, sum)];
    while let Some((range, rows)) = left.pop() {
        let Some(at) = rows.halfway() else {
            chunks.insert(range.from, rows);
            continue;
        };
        for range in [KeyRange { to: Some(at), ..range }, KeyRange { from: at, ..range }] {
            let mut half = Table::default();
            Rows::merge(&mut half, &rows, range);
            left.push((range, half));
        }
    }
    let owner = Owner::new(&org(), Generation::FIRST);
    let mut next = None;
    for (from, rows) in chunks.into_iter().rev() {
        let id = ChunkId { from, split: from.min(1) };
        let days = days.iter().map(|day| (*day, 0)).collect();
        let chunk = Chunk { version: 1, days, cover: Cover::default(), rows, next, sealed: None };
        let key = chains::chunk(&owner, pack, id);
        assert!(store.usage.put_chunk(&key, &chunk, None).await.unwrap());
        next = Some(id);
    }
}

/// Writes the organization's days as they are at noon: the last two are not sealed yet.
async fn write_org_days(store: &AllTables, events: &[Event], today: Day) {
    let mut sums = Rollup::default();
    for event in events {
        let all = rollup::contribution(event, &[Calendar::default()]).sums;
        let of_org = all.into_iter().filter(|(id, _)| matches!(id, RollupId::OrgDay(..)));
        of_org.for_each(|(_, figures)| sums.merge(&figures));
    }
    let number = SequenceNumber::parse("100000000000000000000000001").unwrap();
    for day in DayRange::ending(today, 120).days() {
        let key = RollupId::OrgDay(org(), Generation::FIRST, day).key();
        if day <= today.minus(2) {
            store.usage.rewrite(&key, &Rollup::default(), &sums, 0).await.unwrap();
            continue;
        }
        for shard in 0..SHARDS {
            let mark = format!("@AAAAAAAAA{}", char::from(b'a' + shard));
            let range = ShardRange { mark: &mark, first: number, last: number };
            let part = if shard == 0 { sums.clone() } else { Rollup::default() };
            store.usage.add(&key, &part, range).await.unwrap();
        }
    }
}

/// Writes the packs that readers of 90 days need, as compaction leaves them at noon: yesterday is not over everywhere.
async fn write(store: &AllTables, fleet: &Fleet) {
    let (events, today) = (fleet.calls(), Day::of(noon(), chrono_tz::UTC));
    write_org_days(store, &events, today).await;
    let mut rows = Table::default();
    for event in &events {
        rows.add_chained(event, &TrackedDimensions::default()).unwrap();
    }
    for view in AGENT_VIEWS {
        let rows = rows.view(view);
        let mut blocks: BTreeMap<Block, Vec<Day>> = BTreeMap::new();
        for day in DayRange::ending(today.minus(2), 120).days() {
            if let Some(block) = Block::of(view, day) {
                blocks.entry(block).or_default().push(day);
            }
        }
        for (block, days) in blocks {
            write_pack(store, block.pack(), &days, &rows).await;
        }
        for day in DayRange::ending(today, 90).days() {
            write_pack(store, PackId { kind: view, span: Span::Day(day) }, &[day], &rows).await;
        }
    }
    let mut seen: BTreeMap<_, Sighting> = BTreeMap::new();
    for event in events.iter().take(fleet.agents) {
        let sightings = rollup::contribution(event, &[Calendar::default()]).sightings;
        seen.extend(sightings.into_iter().map(|sighting| (sighting.subject.clone(), sighting)));
    }
    let see = |sighting: Sighting| async move {
        let Sighting { org, subject, seen } = &sighting;
        store.registry.see(org, subject, seen, &[Calendar::default()]).await.unwrap();
    };
    stream::iter(seen.into_values().map(see)).buffer_unordered(16).collect::<Vec<_>>().await;
}

/// What a request may take at most: waves of calls, and read units.
type Most = (u64, u64);

/// A request, a field of its response, and what it takes when the settings are at hand.
const REQUESTS: [(&str, &str, Most); 10] = [
    ("/v1/metrics/summary?days=90", "/total_requests", (1, 26)),
    ("/v1/metrics/usage?days=90", "/points/0/requests", (1, 8)),
    ("/v1/metrics/models?days=90", "/total_requests", (1, 8)),
    ("/v1/metrics/instances?days=90&limit=10000", "/instances/0/request_count", (2, 100)),
    ("/v1/billing/usage", "/total_requests", (3, 65)),
    ("/api/agents/workforce/summary", "/total_invocations", (2, 65)),
    ("/api/agents/workforce/agents", "/0/invocation_count", (2, 65)),
    ("/api/cost-analysis/agents", "/agents/0/actualCost", (2, 65)),
    ("/api/cost-analysis/budget-alerts", "/alertCount", (2, 65)),
    ("/api/cost-analysis/recommendations", "/totalPotentialSavings", (2, 120)),
];

/// The answers of a fleet's functions.
struct Answers {
    world: World,
    token: String,
}

/// What a request takes.
struct Taken {
    answer: Option<Value>,
    units: u64,
    /// The round trips: waves of calls.
    waves: u64,
    calls: Vec<Call>,
}

impl Answers {
    async fn of(fleet: &Fleet) -> Self {
        let world = World::new().await;
        write(world.stack.tables(), fleet).await;
        world.caller("acme").put("/api/agents/agent-0000", &json!({ "cost_budget_monthly": 1 })).await;
        let token = world.stack.token("acme", &Scope::ALL).unwrap();
        Self { world, token }
    }

    /// Sends the same request twice: only the first one reads the settings.
    async fn to(&self, path: &str, field: &str) -> [Taken; 2] {
        let waves = Waves::default();
        let connection = Connection::new(waves.client(self.world.stack.client()));
        let route = path.split('?').next().unwrap();
        let mut all = functions().into_iter();
        let (binary, _) = all.find(|(_, routes)| routes.iter().any(|one| one.path == route)).unwrap();
        let router = router(&self.world, binary, &connection);
        let ask = async || {
            let request = Request::get(path).header("authorization", format!("Bearer {}", self.token));
            let response = response_of(router.clone(), request.body(Body::empty()).unwrap());
            let ((status, body), calls) = waves.of(response).await;
            assert_eq!(status, 200, "{body}");
            Taken {
                answer: body.pointer(field).cloned(),
                units: calls.iter().map(|call| call.half_units).sum::<u64>().div_ceil(2),
                waves: calls.iter().map(|call| call.wave).max().unwrap_or_default(),
                calls,
            }
        };
        [ask().await, ask().await]
    }
}

#[tokio::test]
async fn requests_about_a_thousand_agents_take_few_reads() {
    let answers = Answers::of(&FLEET).await;
    let mut failed = Vec::new();
    for (path, field, (most_waves, most_units)) in REQUESTS {
        let [first, Taken { answer, units, waves, calls }] = answers.to(path, field).await;
        println!("{path}: {units} read units, {} calls in {waves} round trips", calls.len());
        for Call { wave, what, half_units } in calls {
            println!("    wave {wave}: {}.{} units, {what}", half_units / 2, half_units % 2 * 5);
        }
        assert_eq!(first.answer, answer, "{path}");
        assert!(answer.is_some_and(|answer| answer != 0), "{path}");
        if waves.max(first.waves) > most_waves || units > most_units {
            failed.push(path);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test]
#[ignore = "prints the growth of reads that infra/README.md states"]
async fn reads_of_larger_fleets() {
    for (agents, models, calls) in
        [(100, 5, 2_000), (1_000, 5, 20_000), (1_000, 5, 200_000), (1_000, 50, 200_000), (10_000, 5, 200_000)]
    {
        let answers = Answers::of(&Fleet { agents, models, calls }).await;
        println!("{agents} agents x {models} models, {calls} calls a day");
        for (path, field, _) in REQUESTS {
            let [_, Taken { units, waves, .. }] = answers.to(path, field).await;
            println!("{path}: {units} read units in {waves} round trips");
        }
    }
}
