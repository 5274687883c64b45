//! Write units per event, including its raw insert, and read units per request to ingest, as reported by DynamoDB.

use std::collections::BTreeMap;
use std::time::Duration;

use aggregator::Aggregator;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use ledger::calendar::{Calendars, TrackedDimensions};
use ledger::dimension::Dimension;
use ledger::event::{Data, Event};
use ledger::ids::{Label, OrgId};
use local::stack::AllTables;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reconcile::Reconciler;
use runtime::clock::Clock;
use serde_json::json;
use store::Connection;
use store::events::{INSERT_BATCH, RawEvent};
use store::registry::StoredCalendars;

use web::auth::Scope;

use crate::support::tables::{Tables, aggregator_of, call, deliver, reconcile_of, record};
use crate::support::{World, events, noon, response_of};

/// A day of a fleet as its stream delivers it, shard by shard in batches.
#[derive(Clone, Copy)]
struct Fleet {
    agents: usize,
    models: usize,
    batch: usize,
    /// The time it takes to fill a batch.
    seconds: usize,
    batches: usize,
    names: Names,
    tracked: Tracked,
}

/// What an organization tracks. Each call has a value of each of [`TAGS`].
#[derive(Clone, Copy, Debug)]
struct Tracked {
    /// How many of the tags are tracked.
    tags: usize,
    /// How many values a tag has on a day; 0: calls have no tags.
    values: usize,
}

const TAGS: usize = 8;

/// What agents and organizations are called, and which of them make the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Short,
    Uuid,
    /// The second agent makes half as many calls as the first, the third a third, and so on.
    Zipf,
    /// Each agent has an organization of its own.
    Organizations,
}

impl Names {
    fn agent(self, number: usize) -> String {
        match self {
            Self::Uuid => uuid(number),
            _ => format!("agent-{number:04}"),
        }
    }

    fn organization(self, agent: usize) -> OrgId {
        let name = match self {
            Self::Uuid => uuid(usize::MAX),
            Self::Organizations => format!("acme-{agent:04}"),
            _ => "acme".to_owned(),
        };
        OrgId::new(name).unwrap()
    }
}

/// A text of the form of a UUID.
fn uuid(number: usize) -> String {
    let bits = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

const TIME: Duration = Duration::from_hours(1);
const SHARDS: usize = 4;
/// How often the shards of a stream are replaced by others in a day. A rollup item keeps a mark of each.
const ROTATIONS: usize = 6;

impl Fleet {
    /// Typical calls of agents, with all optional fields.
    fn calls(&self) -> Vec<Event> {
        let mut random = StdRng::seed_from_u64(7);
        let weights = (1..=self.agents as u64).map(|rank| 1_000_000_000 / rank);
        let totals: Vec<_> = weights
            .scan(0, |total, weight| {
                *total += weight;
                Some(*total)
            })
            .collect();
        (0..self.batch * self.batches)
            .map(|i| {
                let number = match self.names {
                    Names::Zipf => {
                        let drawn = random.random_range(0..totals[self.agents - 1]);
                        totals.partition_point(|total| *total <= drawn)
                    }
                    _ => random.random_range(0..self.agents),
                };
                let agent = self.names.agent(number);
                let model = format!("claude-sonnet-4-{}", random.random_range(0..self.models));
                let mut event = call(i, &agent, &model, "0.012345", self.arrival(i));
                event.org = self.names.organization(number);
                if let Data::LlmCall(call) = &mut event.data {
                    call.tokens.input = random.random_range(1..20_000);
                    call.tokens.output = random.random_range(1..2_000);
                    call.tokens.cache_read = random.random_range(0..50_000);
                    call.tokens.cache_write_5m = random.random_range(0..5_000);
                    call.latency_ms = Some(random.random_range(200..20_000));
                    call.task_type = Label::new(["coding", "research", "chat"][i % 3]).ok();
                    call.hostname = Label::new(format!("{agent}.example.org")).ok();
                    call.end_user = Label::new(format!("user-{}", random.random_range(0..200))).ok();
                    call.attribution.tags = self.tracked.tags_of(&mut random);
                }
                event
            })
            .collect()
    }

    /// Has each organization track what it is to track.
    async fn set_tracked(&self, store: &AllTables) {
        let tags: Vec<_> = (0..self.tracked.tags).map(|tag| Dimension::Tag(format!("t{tag}"))).collect();
        let mut calendars = Calendars::default();
        calendars.tracked = TrackedDimensions::new(&tags);
        let agents = if self.names == Names::Organizations { self.agents } else { 1 };
        for agent in 0..agents {
            let org = self.names.organization(agent);
            let before = StoredCalendars::default();
            let set = store.registry.set_calendars(&org, &before, calendars.clone()).await.unwrap();
            assert!(set.is_some());
        }
    }

    /// The arrival of the `i`th call. The shards fill in parallel.
    fn arrival(&self, i: usize) -> DateTime<Utc> {
        let (round, place) = (i / self.batch / SHARDS, i % self.batch);
        let milliseconds = 1000 * self.seconds * (round * self.batch + place) / self.batch;
        noon() + TimeDelta::milliseconds(i64::try_from(milliseconds).unwrap())
    }

    /// Write units and read units per event in the steady state, compaction included, after a warm-up that creates every item.
    async fn units_per_event(&self) -> (f64, f64) {
        let tables = Tables::new().await;
        let (store, clock) = (tables.store(), Clock::fixed(noon()));
        self.set_tracked(&store).await;
        let aggregators: Vec<_> =
            (0..SHARDS).map(|_| Aggregator::new(aggregator_of(&store), clock.clone())).collect();
        let reconciler = Reconciler::new(reconcile_of(&store), clock.clone(), 400);
        let events = self.calls();
        for shard in 0..SHARDS * (ROTATIONS - 1) {
            let first = [record(&events[0], &format!("{:021}", 1))];
            deliver(&aggregators[shard % SHARDS], &format!("shardId-old-{shard}"), &first).await;
        }
        let warm_up = self.batches / 2;
        let mut start = store.usage.meter().reading();
        let mut numbers = BTreeMap::new();
        for (nth, batch) in events.chunks(self.batch).enumerate() {
            if nth == warm_up {
                start = store.usage.meter().reading();
            }
            let raw: Vec<_> =
                batch.iter().map(|event| RawEvent::new(event, [0; 8], event.time, 400).unwrap()).collect();
            for some in raw.chunks(INSERT_BATCH) {
                store.events.insert_events(&some.iter().collect::<Vec<_>>()).await.unwrap();
            }
            let shard = nth % SHARDS;
            let number = numbers.entry(shard).or_insert(0);
            let records: Vec<_> = batch
                .iter()
                .map(|event| {
                    *number += 1;
                    record(event, &format!("{number:021}"))
                })
                .collect();
            clock.set(batch.last().unwrap().time);
            deliver(&aggregators[shard], &format!("shardId-{shard}"), &records).await;
            if shard + 1 == SHARDS {
                reconciler.handle(json!({ "do": "compact" }), TIME).await.unwrap();
            }
        }
        let used = store.usage.meter().reading().since(start);
        let counted = self.batch * (self.batches - warm_up);
        #[allow(clippy::cast_precision_loss, clippy::float_arithmetic, reason = "only printed and compared")]
        let per_event = |half_units: u64| half_units as f64 / 2.0 / counted as f64;
        (per_event(used.half_write_units), per_event(used.half_read_units))
    }
}

/// Compares a fleet's write units per event with its goal.
async fn check(fleet: Fleet, goal: f64) {
    let (units, read) = fleet.units_per_event().await;
    let Fleet { agents, models, batch, names, .. } = fleet;
    println!(
        "{agents} agents x {models} models, {names:?}, batches of {batch}: {units:.3} write units and {read:.3} read units per event"
    );
    assert!(units <= goal, "{units} > {goal}");
}

const FLEET: Fleet = Fleet {
    agents: 1000,
    models: 5,
    batch: 174,
    seconds: 60,
    batches: 160,
    names: Names::Short,
    tracked: Tracked { tags: 0, values: 0 },
};

impl Tracked {
    fn tags_of(self, random: &mut StdRng) -> BTreeMap<String, String> {
        let mut value = || format!("v{}", random.random_range(0..self.values));
        let tags = if self.values == 0 { 0 } else { TAGS };
        (0..tags).map(|tag| (format!("t{tag}"), value())).collect()
    }
}

/// Prints the write units per event with none, two and eight tracked dimensions of as many values a day, and compares what
/// each of them costs with a goal.
async fn check_tracked(fleet: Fleet, values: usize, goal: f64) {
    let units = async |tags| Fleet { tracked: Tracked { tags, values }, ..fleet }.units_per_event().await.0;
    let (none, two, eight) = (units(0).await, units(2).await, units(8).await);
    #[allow(clippy::float_arithmetic, reason = "only printed and compared")]
    let each = (eight - none) / 8.0;
    println!("{values} values: {none:.3}, {two:.3}, {eight:.3} write units per event; {each:.4} each");
    assert!(each <= goal, "{each} > {goal}");
}

#[tokio::test]
async fn tracked_dimensions_of_few_and_of_many_values() {
    check_tracked(Fleet { batch: 868, seconds: 300, batches: 32, ..FLEET }, 10, 0.007).await;
    check_tracked(Fleet { batch: 868, seconds: 300, batches: 32, ..FLEET }, 1_000, 0.02).await;
}

#[tokio::test]
#[ignore = "takes minutes: cargo test --workspace --test system -- --ignored --nocapture capacity::tracked"]
async fn tracked_dimensions_of_a_hundred_thousand_values() {
    check_tracked(Fleet { batch: 868, seconds: 300, batches: 32, ..FLEET }, 100_000, 0.04).await;
    for values in [10, 1_000, 100_000] {
        check_tracked(FLEET, values, 0.1).await;
    }
}

#[tokio::test]
async fn a_hundred_agents_in_full_batches() {
    check(Fleet { agents: 100, models: 3, batch: 1000, batches: 24, ..FLEET }, 1.05).await;
}

#[tokio::test]
async fn a_thousand_agents_in_batches_of_a_minute() {
    check(FLEET, 1.15).await;
}

#[tokio::test]
async fn a_thousand_agents_in_batches_of_five_minutes() {
    check(Fleet { batch: 868, seconds: 300, batches: 32, ..FLEET }, 1.10).await;
}

#[tokio::test]
async fn a_thousand_agents_with_long_names() {
    check(Fleet { names: Names::Uuid, ..FLEET }, 1.20).await;
    check(Fleet { batch: 868, seconds: 300, batches: 32, names: Names::Uuid, ..FLEET }, 1.15).await;
}

#[tokio::test]
async fn ten_thousand_agents_of_which_some_do_most() {
    check(Fleet { agents: 10_000, names: Names::Zipf, ..FLEET }, 1.20).await;
}

#[tokio::test]
#[ignore = "prints figures whose goals need organizations' days in chains as well"]
async fn fleets_whose_organizations_days_cost_most() {
    check(Fleet { agents: 100, models: 3, batch: 17, batches: 800, ..FLEET }, 2.5).await;
    check(Fleet { models: 3, batch: 1000, batches: 24, names: Names::Organizations, ..FLEET }, 3.0).await;
    check(Fleet { agents: 1, models: 1, batch: 1, seconds: 1728, batches: 50, ..FLEET }, 4.0).await;
    check(Fleet { models: 300, ..FLEET }, 4.0).await;
}

#[tokio::test]
async fn a_request_to_ingest_reads_one_unit() {
    let world = World::new().await;
    let connection = Connection::new(world.stack.client().clone());
    let router = world.app_through(&connection).router(ingest::routes());
    let token = world.stack.token("acme", &[Scope::EventsWrite]).unwrap();
    let mut before = connection.meter().reading();
    // The first request also reads the settings themselves.
    for (request, reads, half_units) in [(0, 2, 4), (1, 1, 2), (2, 1, 2)] {
        let events: Vec<_> = (0..100).map(|i| events::call(&format!("{request}-{i}"), noon())).collect();
        let request = Request::post("/v1/events")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(json!(events).to_string())).unwrap();
        assert_eq!(response_of(router.clone(), request).await.1["accepted"], 100);
        let after = connection.meter().reading();
        let used = after.since(before);
        assert_eq!((used.reads, used.half_read_units), (reads, half_units));
        before = after;
    }
}

#[tokio::test]
#[ignore = "prints the figures of infra/README.md: cargo test --workspace --test system -- --ignored --nocapture millions"]
async fn one_ten_and_a_hundred_millions_a_month() {
    // Batches of a minute and a shard.
    for (batch, batches) in [(6, 2000), (58, 240), (579, 24)] {
        check(Fleet { batch, batches, ..FLEET }, 2.5).await;
    }
}
