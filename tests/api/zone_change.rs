//! An organization that changes its time zone: until its days are recomputed it shows what it showed before, and then what
//! it would show had it had that zone from the start. That includes calls that are repriced before, during or after the
//! change.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, StatusCode};
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange, rfc3339};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use reconcile::Reconciler;
use runtime::clock::Clock;
use runtime::config::DEFAULT_EVENT_RETENTION_DAYS;
use serde_json::{Value, json};
use store::Connection;
use store::keys;
use tokio::time::timeout;
use web::auth::Scope;

use crate::every_route::routes::router;
use crate::support::events::{event, random_call};
use crate::support::oracle::MODELS;
use crate::support::tables::{names, reconcile_of};
use crate::support::zones::{NOWS, ZONES};
use crate::support::{World, response_of};

/// Every endpoint with figures that depend on days, by function.
const PATHS: [(&str, &str); 23] = [
    ("billing", "/v1/billing"),
    ("billing", "/v1/billing/usage"),
    ("billing", "/v1/billing/usage/chart?days=90"),
    ("billing", "/v1/billing/usage/chart?days=60&instance_id=agent-1"),
    ("costs", "/api/cost-analysis/agents"),
    ("costs", "/api/cost-analysis/budget-alerts"),
    ("costs", "/api/cost-analysis/by-model"),
    ("costs", "/api/cost-analysis/by-provider"),
    ("costs", "/api/cost-analysis/query?groupBy=task_type,model&granularity=day&compare=previous"),
    ("costs", "/api/cost-analysis/recommendations"),
    ("costs", "/api/cost-analysis/summary"),
    ("metrics", "/v1/metrics/instances"),
    ("metrics", "/v1/metrics/models?days=7"),
    ("metrics", "/v1/metrics/summary?days=7"),
    ("metrics", "/v1/metrics/usage?days=60"),
    ("registry", "/api/agents"),
    ("registry", "/api/projects"),
    ("usage", "/api/usage?period=daily"),
    ("usage", "/api/usage?period=monthly"),
    ("usage", "/api/usage/totals"),
    ("workforce", "/api/agents/workforce/agents"),
    ("workforce", "/api/agents/workforce/summary"),
    ("workforce", "/api/agents/workforce/trends?months=3"),
];

const ORGS: [&str; 3] = ["moved", "old", "native"];
const REPRICE: &str = "/api/cost-analysis/reprice";

struct Twins {
    world: World,
    now: DateTime<Utc>,
}

impl Twins {
    /// What an organization shows, by functions that have cached nothing.
    async fn shown(&self, org: &str) -> Vec<Value> {
        let token = self.world.stack.token(org, &Scope::ALL).unwrap();
        let mut all = Vec::new();
        for (binary, path) in PATHS {
            let connection = Connection::new(self.world.stack.client().clone());
            let request = Request::get(path).header("authorization", format!("Bearer {token}"));
            let request = request.body(Body::empty()).unwrap();
            let (status, mut body) = response_of(router(&self.world, binary, &connection), request).await;
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
            // Versions are random.
            for item in body.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
                item.as_object_mut().unwrap().remove("etag");
            }
            all.push(json!({ "path": path, "body": body }));
        }
        all
    }

    async fn assert_same(&self, org: &str, as_of: &str, when: &str) {
        let (shown, expected) = (self.shown(org).await, self.shown(as_of).await);
        for (shown, expected) in shown.iter().zip(&expected) {
            assert_eq!(shown, expected, "{when}: {org} should show what {as_of} shows");
        }
    }

    async fn set_zone(&self, org: &str, zone: &str) {
        self.world.caller(org).put("/api/organization", &json!({ "timezone": zone })).await;
    }

    async fn record(&self, events: &[Value]) {
        for org in ORGS {
            for batch in events.chunks(500) {
                let response = self.world.caller(org).post(&json!(batch)).await;
                assert_eq!(response["accepted"], batch.len(), "{response}");
            }
        }
        self.world.stack.drain().await;
    }

    fn reconciler(&self) -> Reconciler {
        let clock: Clock = self.world.stack.clock().clone();
        Reconciler::new(reconcile_of(self.world.stack.tables()), clock, DEFAULT_EVENT_RETENTION_DAYS)
    }

    async fn reconcile(&self, event: Value) -> Value {
        self.reconciler().handle(event, Duration::from_mins(15)).await.unwrap()
    }

    /// Sets another price, and requests it for all calls of all organizations.
    async fn request_repricing(&self, dollars: u64) {
        let model = &MODELS[0];
        let price = json!({
            "effectiveFrom": format!("2020-01-0{dollars}"), "inputPricePerMillion": dollars, "outputPricePerMillion": 100,
        });
        let path = format!("/api/cost-analysis/pricing/{}/{}", model.provider, model.model);
        let day = |days: i64| (self.now + TimeDelta::days(days)).date_naive().to_string();
        let range = json!({ "from": day(-40), "to": day(1), "dryRun": false });
        for org in ORGS {
            let caller = self.world.caller(org);
            caller.put(&path, &price).await;
            let json = [("content-type", "application/json")];
            let response = caller.send(Method::POST, REPRICE, &json, range.to_string()).await;
            assert_eq!(response.status, StatusCode::OK, "{}", response.body);
        }
    }

    /// Takes back the oldest repricing of each organization.
    async fn withdraw_repricing(&self) {
        for org in ORGS {
            let caller = self.world.caller(org);
            let all = caller.get(REPRICE).await;
            let path = format!("{REPRICE}/{}", all["items"][0]["id"].as_str().unwrap());
            let response = caller.send(Method::DELETE, &path, &[], "").await;
            assert_eq!(response.status, StatusCode::NO_CONTENT, "{}", response.body);
        }
    }

    /// Carries out repricings, at least in the rollups that are shown.
    async fn reprice(&self) {
        let report = self.reconcile(json!({ "do": "reprice" })).await;
        assert_eq!(report["drift"], 0, "{report}");
    }

    /// The status of an organization's repricings, and the number of calls.
    async fn repricings(&self, org: &str) -> Vec<(Value, Value)> {
        let all = self.world.caller(org).get(REPRICE).await;
        let items = all["items"].as_array().unwrap().iter();
        items.map(|item| (item["status"].clone(), item["result"]["requests"].clone())).collect()
    }

    async fn progress(&self) -> Option<(u64, u64)> {
        let change = self.world.caller("moved").get("/api/organization").await["timezone_change"].clone();
        Some((
            change["days_done"].as_u64().unwrap_or_default(),
            change.as_object()?["days_total"].as_u64().unwrap_or(1),
        ))
    }
}

/// Events of all kinds within the last 34 days.
fn events(rng: &mut StdRng, prefix: &str, count: usize, now: DateTime<Utc>) -> Vec<Value> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &rng.random::<[u8; 32]>()),
    );
    let one = |nth: usize| {
        let id = format!("{prefix}-{nth}");
        let time = now - TimeDelta::minutes(rng.random_range(0..34 * 24 * 60));
        match rng.random_range(0..10) {
            0..6 => {
                let mut call = random_call().new_tree(&mut runner).unwrap().current().event(&id, now);
                call["data"]["end_user"] = json!(format!("user-{}", nth % 7));
                call["data"]["hostname"] = json!("host");
                call
            }
            6 => event(&id, "task.completed", time, json!({ "agent_id": "agent-1", "minutes_saved": nth })),
            7 => event(
                &id,
                "agent.activity",
                time,
                json!({ "agent_id": "agent-2", "event_type": "tool_call", "details": {} }),
            ),
            8 => event(&id, "host.report", time, json!({ "node_id": "n", "hosted_sites": nth })),
            _ => {
                let from = time - TimeDelta::minutes(rng.random_range(1..24 * 60));
                let data = json!({
                    "project_id": format!("site-{}", nth % 2), "instance_id": format!("i-{}", nth % 3),
                    "from": rfc3339(from), "to": rfc3339(time), "cpu_cores": "0.5", "ram_gb": 1, "disk_gb": "2.25",
                    "bandwidth_in_bytes": nth, "bandwidth_out_bytes": 1000,
                });
                event(&id, "compute.usage", time, data)
            }
        }
    };
    (0..count).map(one).collect()
}

/// When calls are repriced: before the change, in one of the runs that recompute days, or else after the change.
struct RepricedWhen {
    before: bool,
    run: usize,
}

impl Twins {
    /// Organizations whose zone is shown at once, without usage, and proved a little later.
    async fn new(now: DateTime<Utc>, [old, new]: [&str; 2]) -> Self {
        let twins = Self { world: World::at(Clock::fixed(now)).await, now };
        for (org, zone) in [("old", old), ("native", new), ("moved", old)] {
            twins.set_zone(org, zone).await;
        }
        twins.wait(20);
        twins.reconcile(json!({ "do": "calendars" })).await;
        twins
    }

    fn wait(&self, minutes: i64) {
        self.world.stack.clock().set(self.world.stack.clock().now() + TimeDelta::minutes(minutes));
    }

    /// Recomputes days in runs of which some have little time and some die, while events arrive and calls are repriced.
    async fn finish_change(&self, rng: &mut StdRng, repriced: &RepricedWhen) {
        let mut done = 0;
        for run in 0.. {
            assert!(run < 500, "the change does not end");
            self.wait(5);
            self.die_or_build(run).await;
            let Some((days, all)) = self.progress().await else { break };
            println!("  {days} of {all} days");
            assert!(days >= done && days <= all);
            done = days;
            if rng.random_ratio(1, 3) {
                let meanwhile = events(rng, &format!("run-{run}"), 3, self.now);
                self.record(&meanwhile).await;
            }
            if run == repriced.run {
                if repriced.before {
                    self.request_repricing(9).await;
                }
                self.reprice().await;
            }
            if run % 4 == 0 || run == repriced.run {
                // Repricing seals days, so that later events make them dirty.
                self.reconcile(json!({ "do": "dirty" })).await;
                self.assert_same("moved", "old", "during the change").await;
            }
        }
        self.reprice().await;
        self.reconcile(json!({ "do": "dirty" })).await;
        self.assert_same("moved", "native", "after the change").await;
    }

    async fn die_or_build(&self, run: usize) {
        let (reconciler, event) = (self.reconciler(), json!({ "do": "calendars" }));
        let time =
            [Duration::from_millis(100), Duration::from_millis(300), Duration::from_mins(2)][run.min(2)];
        // Even on a busy machine, runs live long enough in the end.
        let alive = Duration::from_millis(700 + 100 * run as u64);
        match timeout(time.min(alive), reconciler.handle(event, time)).await {
            Ok(report) => drop(report.unwrap()),
            Err(_) => println!("  a run died"),
        }
    }

    /// Repricings hold on days that were recomputed, and can be taken back there.
    async fn withdraw_repricings(&self) {
        let repricings = self.repricings("moved").await;
        for (status, calls) in &repricings {
            assert_eq!(
                (status.as_str(), calls.as_u64() > Some(20)),
                (Some("applied"), true),
                "{repricings:?}"
            );
        }
        assert_eq!(repricings, self.repricings("native").await);
        for _ in repricings {
            self.withdraw_repricing().await;
            self.reprice().await;
            self.reconcile(json!({ "do": "dirty" })).await;
            self.assert_same("moved", "native", "after a repricing was taken back").await;
        }
        assert_eq!(self.repricings("moved").await, []);
        // The audit entries of the last withdrawals.
        self.world.stack.drain().await;
        self.reconcile(json!({ "do": "dirty" })).await;
    }

    /// The rollups of former calendars are deleted, and those that are left are right.
    async fn check_rollups(&self) {
        self.wait(90);
        let report = self.reconcile(json!({ "do": "calendars" })).await;
        assert_eq!(report["days_to_build"], 0, "{report}");
        let org = OrgId::new("moved").unwrap();
        let tables = self.world.stack.tables();
        let calendars = tables.registry.calendars(&org).await.unwrap().calendars;
        assert!(calendars.is_settled(), "{calendars:?}");
        let days = DayRange::ending(Day::of(self.now, chrono_tz::UTC).next(), 60);
        for generation in (0..10).map(Generation::new) {
            let mut left = 0;
            for range in keys::generation_days(&org, generation, days) {
                let text = |text: String| AttributeValue::S(text);
                let query = self.world.stack.client().query().table_name(names().usage);
                let query = query.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to");
                let query = query.expression_attribute_values(":pk", text(range.pk));
                let query = query.expression_attribute_values(":from", text(range.from));
                let query = query.expression_attribute_values(":to", text(range.to));
                left += query.send().await.unwrap().count();
            }
            assert_eq!(left > 0, generation == calendars.active.generation, "{generation}");
        }
        for day in days.days() {
            let event = json!({ "do": "day", "org": "moved", "day": day.to_string() });
            let report = self.reconcile(event).await;
            assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
        }
    }
}

async fn run(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let now: DateTime<Utc> = NOWS[rng.random_range(0..NOWS.len())].parse().unwrap();
    let mut zones: Vec<_> = ZONES.iter().map(|zone| zone.name).collect();
    zones.shuffle(&mut rng);
    let twins = Twins::new(now, [zones[0], zones[1]]).await;
    println!("seed {seed}: from {} to {} at {now}", zones[0], zones[1]);
    let first = events(&mut rng, "first", 60, twins.now);
    twins.record(&first).await;
    twins.assert_same("moved", "old", "before the change").await;
    let repriced = RepricedWhen { before: rng.random(), run: rng.random_range(0..4) };
    twins.request_repricing(7).await;
    if repriced.before {
        twins.reprice().await;
        twins.assert_same("moved", "old", "repriced before the change").await;
    }

    // A change that is canceled, one to a third zone, and the last one.
    twins.set_zone("moved", zones[2]).await;
    if rng.random() {
        twins.reconciler().handle(json!({ "do": "calendars" }), Duration::from_millis(40)).await.unwrap();
        if rng.random() {
            twins.set_zone("moved", zones[0]).await;
        }
    }
    twins.set_zone("moved", zones[1]).await;
    let before = events(&mut rng, "second", 15, twins.now);
    twins.record(&before).await;
    twins.finish_change(&mut rng, &repriced).await;

    // What was sent before is recognized, and what is new is counted.
    for batch in [first, before] {
        let response = twins.world.caller("moved").post(&json!(batch)).await;
        assert_eq!(response["duplicates"], batch.len(), "{response}");
    }
    twins.record(&events(&mut rng, "third", 10, twins.now)).await;
    twins.reconcile(json!({ "do": "dirty" })).await;
    twins.assert_same("moved", "native", "in the end").await;

    twins.withdraw_repricings().await;
    twins.check_rollups().await;
    twins.assert_same("moved", "native", "after the deletion").await;
}

#[tokio::test]
async fn figures_are_those_of_the_old_zone_until_they_are_those_of_the_new_one() {
    for seed in 1..=3 {
        Box::pin(run(seed)).await;
    }
}
