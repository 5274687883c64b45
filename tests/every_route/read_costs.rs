//! Round trips, read units and response times of each endpoint for a large organization. Prints a table and asserts
//! nothing: `cargo test -p system-tests -- --ignored --nocapture read_costs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use chrono::TimeDelta;
use futures::stream::{self, StreamExt};
use http::Request;
use ledger::calendar::{Calendar, Generation, TrackedDimensions};
use ledger::chain::{Chunks, PackId, Span};
use ledger::event::{Data, Event};
use ledger::ids::Label;
use ledger::ids::{AgentId, OrgId};
use ledger::pack::Table;
use ledger::period::Day;
use ledger::rollup::{self, Rollup, RollupId, Sighting};
use local::stack::AllTables;
use store::keys::{Keyed, Owner};
use store::sequence::SequenceNumber;
use store::usage::ShardRange;
use store::{Connection, Meter, Reading};
use tower::ServiceExt;
use web::auth::Scope;

use super::routes::{functions, router};
use crate::support::tables::{AGENT_VIEWS, call};
use crate::support::{World, noon};

const AGENTS: usize = 1_000;
const MODELS: usize = 5;
const DAYS: i64 = 90;
/// Updates in flight while the data is written.
const IN_FLIGHT: usize = 64;
/// Requests per endpoint.
const REPEATS: usize = 5;

fn calls_of(day: i64) -> impl Iterator<Item = Event> {
    let time = noon() - TimeDelta::days(day);
    (0..AGENTS * MODELS).map(move |i| {
        let (agent, model) = (i / MODELS, i % MODELS);
        let name = format!("claude-sonnet-4-{model}");
        let mut event = call(i, &format!("agent-{agent:04}"), &name, "0.012345", time);
        if let Data::LlmCall(call) = &mut event.data {
            call.provider = Label::new("anthropic").unwrap();
            call.tokens.input = 12_345;
            call.tokens.output = 678;
            call.tokens.cache_read = 45_678;
            call.latency_ms = Some(1_234);
            call.task_type = Label::new("chat").ok();
            call.end_user = Label::new(format!("user-{}", i % 2_000)).ok();
        }
        event
    })
}

/// Writes the rollups of one day, as the aggregator would with one very large batch.
async fn write_day(store: &AllTables, day: i64) {
    let mut items: BTreeMap<RollupId, Rollup> = BTreeMap::new();
    let mut users: BTreeMap<_, std::collections::BTreeSet<_>> = BTreeMap::new();
    for event in calls_of(day) {
        let brings = rollup::contribution(&event, &[Calendar::default()]);
        for (target, sums) in brings.sums {
            items.entry(target).or_default().merge(&sums);
        }
        for user in brings.end_users {
            users.entry(user.key()).or_default().insert(user.hash);
        }
    }
    let number = SequenceNumber::parse("100000000000000000000000001").unwrap();
    let batch = ShardRange { mark: "@AAAAAAAAAAA", first: number, last: number };
    let adds: Vec<_> = items
        .iter()
        .map(|(target, sums)| async move {
            store.usage.add(&target.key(), sums, batch).await.unwrap();
        })
        .collect();
    stream::iter(adds).buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await;
    for (key, users) in users {
        store.usage.add_end_users(&key, &users).await.unwrap();
    }
    write_packs(store, day).await;
}

/// Writes the packs of agents' days of one day.
async fn write_packs(store: &AllTables, day: i64) {
    let mut rows = Table::default();
    for event in calls_of(day) {
        rows.add_chained(&event, &TrackedDimensions::default()).unwrap();
    }
    let day = Day::of(noon() - TimeDelta::days(day), chrono_tz::UTC);
    let owner = Owner::new(&OrgId::new("acme").unwrap(), Generation::FIRST);
    let none = Chunks::<Table>::new();
    for kind in AGENT_VIEWS {
        let pack = PackId { kind, span: Span::Day(day) };
        assert!(store.usage.seal_pack(&owner, pack, &none, &rows.view(kind), 0).await.unwrap());
    }
}

async fn write_days(store: &AllTables) {
    for day in 0..DAYS {
        write_day(store, day).await;
    }
    // The registry only has the first and the last day of each agent.
    for day in [DAYS - 1, 0] {
        let mut seen: BTreeMap<_, Sighting> = BTreeMap::new();
        for event in calls_of(day) {
            seen.extend(
                rollup::contribution(&event, &[Calendar::default()])
                    .sightings
                    .into_iter()
                    .map(|s| (s.subject.clone(), s)),
            );
        }
        let sees: Vec<_> = seen
            .values()
            .map(|s| async move {
                store.registry.see(&s.org, &s.subject, &s.seen, &[Calendar::default()]).await.unwrap()
            })
            .collect();
        stream::iter(sees).buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await;
    }
}

/// Sends the same request several times. Returns its use of the tables, the median time and the size of the response.
async fn measure(router: &Router, meter: &Meter, token: &str, path: &str) -> (Reading, Duration, usize) {
    let ask = || async {
        let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().len()
    };
    let bytes = ask().await;
    let before = meter.reading();
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let start = Instant::now();
        ask().await;
        times.push(start.elapsed());
    }
    times.sort();
    let used = meter.reading().since(before);
    let once = Reading {
        reads: used.reads / REPEATS as u64,
        writes: used.writes / REPEATS as u64,
        half_read_units: used.half_read_units / REPEATS as u64,
        half_write_units: used.half_write_units / REPEATS as u64,
    };
    (once, times[REPEATS / 2], bytes)
}

/// Whether a request path matches a route.
fn matches(route: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(r), Some(p)) if r == p || r.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and only prints a table"]
async fn print_the_cost_of_each_endpoint() {
    let world = World::new().await;
    write_days(world.stack.tables()).await;
    let (org, agent) = (OrgId::new("acme").unwrap(), AgentId::new("agent-0000").unwrap());
    assert_eq!(Day::of(noon(), chrono_tz::UTC).to_string(), "2026-09-15");
    let token = world.stack.token(org.as_str(), &Scope::ALL).unwrap();
    println!("{:58} {:>6} {:>10} {:>9} {:>10}", "endpoint", "reads", "read units", "ms", "bytes");
    let paths = [
        "/v1/billing/trial-status".to_owned(),
        "/v1/metrics/summary?days=90".to_owned(),
        "/v1/metrics/usage?days=90".to_owned(),
        "/v1/metrics/models?days=90".to_owned(),
        "/v1/metrics/instances?days=90".to_owned(),
        "/v1/billing".to_owned(),
        "/v1/billing/usage".to_owned(),
        "/v1/billing/usage/chart?days=90".to_owned(),
        format!("/v1/billing/usage/chart?days=90&instance_id={agent}"),
        "/api/usage".to_owned(),
        "/api/usage/totals".to_owned(),
        "/api/cost-analysis/summary".to_owned(),
        "/api/cost-analysis/by-provider".to_owned(),
        "/api/cost-analysis/by-model".to_owned(),
        "/api/cost-analysis/agents".to_owned(),
        "/api/cost-analysis/recommendations".to_owned(),
        "/api/cost-analysis/budget-alerts".to_owned(),
        "/api/cost-analysis/pricing".to_owned(),
        "/api/cost-analysis/unpriced".to_owned(),
        "/api/cost-analysis/query?groupBy=model&granularity=day&from=2026-06-18".to_owned(),
        "/api/cost-analysis/query?groupBy=agent,model&from=2026-08-17".to_owned(),
        format!("/api/cost-analysis/query?groupBy=model&from=2026-06-18&filter[agent]={agent}"),
        "/api/agents/workforce/summary".to_owned(),
        "/api/agents/workforce/agents".to_owned(),
        "/api/agents/workforce/trends".to_owned(),
        "/api/activity".to_owned(),
        "/api/sources".to_owned(),
        "/api/agents".to_owned(),
        format!("/api/agents/{agent}"),
    ];
    for path in paths {
        let connection = Connection::new(world.stack.client().clone());
        let (binary, _) = functions()
            .into_iter()
            .find(|(_, routes)| routes.iter().any(|r| matches(r.path, &path)))
            .unwrap();
        let router = router(&world, binary, &connection);
        let (used, time, bytes) = measure(&router, connection.meter(), &token, &path).await;
        let units = format!("{}.{}", used.half_read_units / 2, used.half_read_units % 2 * 5);
        println!("{path:58} {:>6} {units:>10} {:>9} {bytes:>10}", used.reads, time.as_millis());
    }
}
