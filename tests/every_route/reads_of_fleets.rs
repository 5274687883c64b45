//! Read units and round trips of requests about all agents of a large fleet, as reported by DynamoDB.

use std::collections::BTreeMap;

use axum::body::Body;
use chrono::TimeDelta;
use futures::stream::{self, StreamExt};
use http::Request;
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::chain::{Chunk, ChunkId, Cover, PackId, Span};
use ledger::event::{Data, Event};
use ledger::ids::{Label, OrgId};
use ledger::pack::{Block, Table};
use ledger::period::{Day, DayRange};
use ledger::rollup::{self, Sighting};
use local::stack::AllTables;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::Connection;
use store::keys::{Owner, chains};
use web::auth::Scope;

use super::routes::{functions, router};
use crate::support::tables::{AGENT_VIEWS, call};
use crate::support::{World, noon, response_of};

const AGENTS: usize = 1_000;
const MODELS: usize = 5;
/// The calls of a day.
const CALLS: usize = 20_000;

fn org() -> OrgId {
    OrgId::new("acme").unwrap()
}

/// The calls of any day.
fn calls() -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(7);
    let call = |i| {
        let agent = format!("agent-{:04}", i % AGENTS);
        let model = format!("claude-sonnet-4-{}", random.random_range(0..MODELS));
        let mut event = call(i, &agent, &model, "0.012345", noon() - TimeDelta::days(89));
        if let Data::LlmCall(call) = &mut event.data {
            call.tokens.input = random.random_range(1..20_000);
            call.tokens.output = random.random_range(1..2_000);
            call.tokens.cache_read = random.random_range(0..50_000);
            call.latency_ms = Some(random.random_range(200..20_000));
            call.task_type = Label::new(["coding", "research", "chat"][i % 3]).ok();
        }
        event
    };
    (0..CALLS).map(call).collect()
}

/// Writes a pack of days that are all alike.
async fn write_pack(store: &AllTables, pack: PackId<ledger::pack::View>, days: &[Day], rows: &Table) {
    let mut sum = Table::default();
    for _ in days {
        sum.merge(rows);
    }
    let chunk = Chunk {
        version: 1,
        days: days.iter().map(|day| (*day, 0)).collect(),
        cover: Cover::default(),
        rows: sum,
        next: None,
        sealed: None,
    };
    let owner = Owner::new(&org(), Generation::FIRST);
    let key = chains::chunk(&owner, pack, ChunkId::default());
    assert!(store.usage.put_chunk(&key, &chunk, None).await.unwrap());
}

/// Writes the packs that readers of 90 days need, as compaction leaves them at noon: yesterday is not over everywhere.
async fn write(store: &AllTables) {
    let (events, today) = (calls(), Day::of(noon(), chrono_tz::UTC));
    let mut rows = Table::default();
    for event in &events {
        rows.add_chained(event, &TrackedDimensions::default()).unwrap();
    }
    for view in AGENT_VIEWS {
        let rows = rows.view(view);
        let mut blocks: BTreeMap<Block, Vec<Day>> = BTreeMap::new();
        for day in DayRange::ending(today.minus(2), 120).days() {
            blocks.entry(Block::of(view, day).unwrap()).or_default().push(day);
        }
        for (block, days) in blocks {
            write_pack(store, block.pack(), &days, &rows).await;
        }
        for day in DayRange::ending(today, 90).days() {
            write_pack(store, PackId { kind: view, span: Span::Day(day) }, &[day], &rows).await;
        }
    }
    let mut seen: BTreeMap<_, Sighting> = BTreeMap::new();
    for event in events.iter().take(AGENTS) {
        let sightings = rollup::contribution(event, &[Calendar::default()]).sightings;
        seen.extend(sightings.into_iter().map(|sighting| (sighting.subject.clone(), sighting)));
    }
    let see = |sighting: Sighting| async move {
        let Sighting { org, subject, seen } = &sighting;
        store.registry.see(org, subject, seen, &[Calendar::default()]).await.unwrap();
    };
    stream::iter(seen.into_values().map(see)).buffer_unordered(16).collect::<Vec<_>>().await;
}

#[tokio::test]
async fn lists_of_a_thousand_agents_take_few_reads() {
    let world = World::new().await;
    write(world.stack.tables()).await;
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let mut failed = Vec::new();
    // The path, the calls in the response, and the most round trips and read units.
    for (path, field, days, most) in [
        ("/v1/metrics/instances?days=90&limit=10000", "/instances/0/request_count", 90, (5, 100)),
        ("/v1/billing/usage", "/total_requests", 0, (8, 65)),
        ("/api/agents/workforce/summary", "/total_invocations", 15 * AGENTS, (5, 65)),
        ("/api/cost-analysis/agents", "/agents/0/requests", 0, (6, 130)),
        ("/api/agents/workforce/agents", "/0/invocation_count", 15, (8, 160)),
        ("/api/cost-analysis/recommendations", "/none", 0, (10, 1_000)),
    ] {
        let connection = Connection::new(world.stack.client().clone());
        let route = path.split('?').next().unwrap();
        let mut all = functions().into_iter();
        let (binary, _) = all.find(|(_, routes)| routes.iter().any(|one| one.path == route)).unwrap();
        let router = router(&world, binary, &connection);
        let ask = async || {
            let request = Request::get(path).header("authorization", format!("Bearer {token}"));
            response_of(router.clone(), request.body(Body::empty()).unwrap()).await
        };
        // The second request has the settings at hand.
        ask().await;
        let before = connection.meter().reading();
        let (status, body) = ask().await;
        let used = connection.meter().reading().since(before);
        let (reads, units) = (used.reads, used.half_read_units.div_ceil(2));
        println!("{path}: {units} read units in {reads} round trips");
        assert_eq!(status, 200, "{body}");
        if days > 0 {
            assert_eq!(body.pointer(field), Some(&(days * CALLS / AGENTS).into()), "{path}");
        }
        if reads > most.0 || units > most.1 {
            failed.push(path);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
