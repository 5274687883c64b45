//! Random calls, prices, entries and withdrawals, against plain loops in integer picodollars.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use http::Request;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use web::auth::Scope;

use super::{carry_out, figures, reprice, withdraw};
use crate::api::cost_analysis::{PATH, call};
use crate::support::{Caller, World, noon, response_of};

/// Models that the price book does not know, and one that it does, at 1 and 5 dollars per million tokens.
const MODELS: [&str; 3] = ["acme/one", "acme/two", "anthropic/claude-haiku-4-5"];
const AGENTS: [&str; 2] = ["nova", "atlas"];
/// Days before noon that calls are made on.
const DAYS: i64 = 4;

/// A change of the system.
#[derive(Clone, Debug)]
enum Step {
    /// Calls: model, agent, days ago, input tokens, and a reported cost in microdollars.
    Record(Vec<(usize, usize, i64, u32, Option<u32>)>),
    /// An own price: model, valid since so many days, dollars per million tokens of input.
    SetPrice(usize, i64, u32),
    /// Deletes one of the prices.
    DeletePrice(usize),
    /// An entry: first and last day, and a model, or all.
    Reprice(i64, i64, Option<usize>),
    /// Takes one of the entries back.
    Withdraw(usize),
    /// Carries out entries.
    CarryOut,
}

fn step() -> impl Strategy<Value = Step> {
    let days = 0..DAYS;
    let calls = prop::collection::vec(
        (
            0..MODELS.len(),
            0..AGENTS.len(),
            days.clone(),
            1..2_000_000_u32,
            prop::option::weighted(0.2, 0..9_000_000_u32),
        ),
        1..6,
    );
    prop_oneof![
        3 => calls.prop_map(Step::Record),
        2 => (0..MODELS.len(), 0..DAYS + 2, 1..20_u32).prop_map(|(model, since, price)| Step::SetPrice(model, since, price)),
        1 => (0..9_usize).prop_map(Step::DeletePrice),
        3 => (days.clone(), days, prop::option::of(0..MODELS.len()))
            .prop_map(|(a, b, model)| Step::Reprice(a.max(b), a.min(b), model)),
        1 => (0..9_usize).prop_map(Step::Withdraw),
        2 => Just(Step::CarryOut),
    ]
}

/// A cost in picodollars; none: unpriced.
type Cost = Option<i128>;

struct StoredCall {
    model: usize,
    agent: usize,
    day: NaiveDate,
    input: i128,
    reported: Option<i128>,
    stamped: Cost,
    /// By the entries that were carried out, in this order.
    repriced: Vec<(String, Cost)>,
}

struct Entry {
    id: String,
    from: NaiveDate,
    to: NaiveDate,
    model: Option<usize>,
    is_withdrawn: bool,
}

/// What should be.
#[derive(Default)]
struct Expected {
    calls: Vec<StoredCall>,
    /// By model and first day, in dollars per million tokens of input.
    prices: BTreeMap<(usize, NaiveDate), i128>,
    /// To be carried out or taken back, oldest first.
    due: Vec<Entry>,
    applied: Vec<Entry>,
}

fn day(days_ago: i64) -> NaiveDate {
    (noon() - TimeDelta::days(days_ago)).date_naive()
}

impl Expected {
    fn price(&self, model: usize, day: NaiveDate, input: i128, reported: Option<i128>) -> Cost {
        let own = self.prices.iter().filter(|((of, from), _)| *of == model && *from <= day);
        let book = (model == 2).then_some(1_000_000);
        let price = own.max_by_key(|((_, from), _)| *from).map(|(_, dollars)| dollars * 1_000_000).or(book);
        reported.or_else(|| price.map(|price| price * input))
    }

    fn carry_out(&mut self) {
        for entry in std::mem::take(&mut self.due) {
            if entry.is_withdrawn {
                for call in &mut self.calls {
                    call.repriced.retain(|(id, _)| *id != entry.id);
                }
                continue;
            }
            for i in 0..self.calls.len() {
                let call = &self.calls[i];
                let in_range = (entry.from..=entry.to).contains(&call.day);
                if in_range && entry.model.is_none_or(|model| model == call.model) {
                    let cost = self.price(call.model, call.day, call.input, call.reported);
                    self.calls[i].repriced.push((entry.id.clone(), cost));
                }
            }
            self.applied.push(entry);
        }
    }

    fn sum(&self, is_counted: impl Fn(&StoredCall) -> bool) -> (u64, i128) {
        let (mut unpriced, mut sum) = (0, 0);
        for call in self.calls.iter().filter(|call| is_counted(call)) {
            match call.repriced.last().map_or(call.stamped, |(_, cost)| *cost) {
                Some(cost) => sum += cost,
                None => unpriced += 1,
            }
        }
        (unpriced, sum)
    }
}

/// Ingests in a process of its own, whose cache of prices is empty.
async fn ingest(world: &World, events: &[Value]) {
    let app = world.app::<ingest::Tables>(world.stack.client().clone());
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = Request::post("/v1/events")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(axum::body::Body::from(json!(events).to_string()));
    let (_, body) = response_of(app.router(ingest::routes()), request.unwrap()).await;
    assert_eq!(body["accepted"], events.len(), "{body}");
}

struct Play<'a> {
    world: &'a World,
    acme: Caller<'a>,
    expected: Expected,
}

impl Play<'_> {
    async fn take(&mut self, step: &Step) {
        let clock = self.world.stack.clock();
        // Ids of entries sort by time.
        clock.set(clock.now() + TimeDelta::seconds(1));
        match step {
            Step::Record(calls) => self.record(calls).await,
            Step::SetPrice(model, since, dollars) => {
                let (from, dollars) = (day(*since), i128::from(*dollars));
                if self.expected.prices.insert((*model, from), dollars).is_some() {
                    self.delete_price(*model, from).await;
                }
                let price = json!({ "effectiveFrom": from, "inputPricePerMillion": dollars, "outputPricePerMillion": 0 });
                self.acme.put(&format!("{PATH}/pricing/{}", MODELS[*model]), &price).await;
            }
            Step::DeletePrice(nth) => {
                let key = self.expected.prices.keys().nth(*nth).copied();
                if let Some((model, from)) = key {
                    self.expected.prices.remove(&(model, from));
                    self.delete_price(model, from).await;
                }
            }
            Step::Reprice(from, to, model) => {
                let (from, to) = (day(*from), day(*to));
                let name = model.map(|model| MODELS[model].split_once('/').unwrap().1);
                let body = json!({ "from": from, "to": to, "model": name, "dryRun": false });
                let id = reprice(&self.acme, &body).await["id"].as_str().unwrap().to_owned();
                self.expected.due.push(Entry { id, from, to, model: *model, is_withdrawn: false });
            }
            Step::Withdraw(nth) => {
                if *nth < self.expected.applied.len() {
                    let entry = Entry { is_withdrawn: true, ..self.expected.applied.remove(*nth) };
                    assert_eq!(withdraw(&self.acme, &entry.id).await, 204);
                    self.expected.due.push(entry);
                }
            }
            Step::CarryOut => {
                carry_out(self.world).await;
                // Entries that were begun come first, which are those to be taken back.
                self.expected.due.sort_by_key(|entry| (!entry.is_withdrawn, entry.id.clone()));
                self.expected.carry_out();
            }
        }
    }

    async fn record(&mut self, calls: &[(usize, usize, i64, u32, Option<u32>)]) {
        let mut events = Vec::new();
        for (model, agent, days_ago, input, reported) in calls {
            let mut more = json!({ "input_tokens": input });
            if let Some(reported) = reported {
                more["cost_usd"] = json!(format!("{}e-6", reported));
            }
            let id = self.expected.calls.len().to_string();
            events.push(call(
                &id,
                AGENTS[*agent],
                MODELS[*model],
                noon() - TimeDelta::days(*days_ago),
                &more,
            ));
            let (input, reported) = (i128::from(*input), reported.map(|micro| i128::from(micro) * 1_000_000));
            let stamped = self.expected.price(*model, day(*days_ago), input, reported);
            let (model, agent, day) = (*model, *agent, day(*days_ago));
            let stored = StoredCall { model, agent, day, input, reported, stamped, repriced: Vec::new() };
            self.expected.calls.push(stored);
        }
        ingest(self.world, &events).await;
    }

    async fn delete_price(&self, model: usize, from: NaiveDate) {
        let path = format!("{PATH}/pricing/{}?effectiveFrom={from}", MODELS[model]);
        assert_eq!(self.acme.send(http::Method::DELETE, &path, &[], "").await.status, 204);
    }

    /// Compares all figures with the expected ones.
    async fn check(&self) {
        self.world.stack.drain().await;
        let report = self.world.stack.invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
        assert_eq!(report["drift"], 0, "{report}");
        let dollars = |pico: i128| {
            let text = format!("{pico:013}");
            let (whole, fraction) = text.split_at(text.len() - 12);
            format!("{whole}.{:0<2}", fraction.trim_end_matches('0'))
        };
        let get = async |path: &str| self.acme.get(path).await;
        let (unpriced, sum) = self.expected.sum(|_| true);
        let summary = get("/v1/metrics/summary?days=30").await;
        assert_eq!(summary["estimated_cost_usd"], dollars(sum));
        assert_eq!(summary["unpriced_requests"], unpriced);
        assert_eq!(get("/api/cost-analysis/unpriced").await["unpricedRequests"], unpriced);
        let models = get("/v1/metrics/models?days=30").await;
        for row in models["models"].as_array().unwrap() {
            let is_counted = |call: &StoredCall| MODELS[call.model].ends_with(row["model"].as_str().unwrap());
            assert_eq!(row["estimated_cost_usd"], dollars(self.expected.sum(is_counted).1), "{row}");
        }
        let agents = get("/v1/metrics/instances?days=30").await;
        for row in agents["instances"].as_array().unwrap() {
            let is_counted = |call: &StoredCall| row["instance_id"] == AGENTS[call.agent];
            assert_eq!(row["estimated_cost_usd"], dollars(self.expected.sum(is_counted).1), "{row}");
        }
        for days_ago in 0..DAYS {
            let day = json!({ "do": "day", "org": "acme", "day": day(days_ago) });
            let report = self.world.stack.invoke("reconcile", day).await.unwrap();
            assert_eq!((&report["drift"], &report["days"][0]["behind"]), (&json!(0), &json!(0)), "{report}");
        }
    }

    /// An entry over everything and its withdrawal leave no trace.
    async fn check_withdrawal(&mut self) {
        let before = figures(&self.acme).await;
        self.take(&Step::Reprice(DAYS - 1, 0, None)).await;
        self.take(&Step::CarryOut).await;
        self.check().await;
        let last = self.expected.applied.len() - 1;
        self.take(&Step::Withdraw(last)).await;
        self.take(&Step::CarryOut).await;
        self.check().await;
        assert_eq!(figures(&self.acme).await, before);
    }
}

#[test]
fn figures_are_those_of_an_independent_fold() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let steps = prop::collection::vec(step(), 1..14);
    runner
        .run(&steps, |steps| {
            runtime.block_on(async {
                let world = World::new().await;
                let mut play =
                    Play { world: &world, acme: world.caller("acme"), expected: Expected::default() };
                for step in &steps {
                    play.take(step).await;
                    play.check().await;
                }
                play.take(&Step::CarryOut).await;
                play.check().await;
                play.check_withdrawal().await;
            });
            Ok(())
        })
        .unwrap();
}
