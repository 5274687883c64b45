//! A process that dies between any two of its steps, or whose answers get lost: there is one decision, and it is told
//! at least once, always with the same id and the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aggregator::Aggregator;
use budget_alerts::BudgetAlerts;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use local::template::Template;
use local::{tables, token};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::Store;
use tokio::task::JoinHandle;
use web::auth::Scope;

use super::{RUNS, TIME, outlets};
use crate::simulation::engine::Engine;
use crate::simulation::service::{self, SECRET};
use crate::simulation::wire::{Answer, EXAMINER, Process, Wire};
use crate::support::noon;
use crate::support::receiver::Receiver;
use crate::support::tables::{call, deliver, names, record};

/// The process that meets its fate, and the one that comes after it.
const DOOMED: Process = 1;
const NEXT: Process = 2;

/// What becomes of one request of a run.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The process dies before it arrives.
    DiesBefore,
    /// The process dies after it was carried out.
    DiesAfter,
    /// It is carried out, and the answer gets lost.
    AnswerLost,
    /// It never arrives.
    RequestLost,
}

/// The tables, on a wire that everything passes by.
struct Stage {
    engine: Arc<Engine>,
    wire: Wire,
    clock: Clock,
    receiver: Receiver,
}

impl Stage {
    /// An organisation and an agent that have crossed thresholds.
    async fn new(template: &Template) -> Self {
        let engine = Arc::new(Engine::new());
        let wire = Wire::new(engine.clone());
        let stage = Self { engine, wire, clock: Clock::fixed(noon()), receiver: Receiver::start().await };
        let client = stage.wire.client(EXAMINER);
        tables::create(&client, &template.tables).await.unwrap();
        let registry = service::registry(EXAMINER, client, stage.clock.clone());
        let token = token::issue(&SECRET, "acme", &Scope::ALL, 3600).unwrap();
        for (path, body) in [
            ("/api/budget", json!({ "monthly": 100 })),
            ("/api/agents/nova", json!({ "cost_budget_monthly": 10 })),
            ("/api/alerts/destinations/ops", json!({ "url": stage.receiver.url() })),
        ] {
            let (status, body) = registry.send(Method::PUT, path, &token, Some(&body)).await;
            assert_eq!(status, StatusCode::OK, "{body}");
        }
        let calls = [call(1, "nova", "m", "55", noon()), call(2, "vega", "m", "30", noon())];
        let records: Vec<_> =
            (1..).zip(&calls).map(|(nth, call)| record(call, &format!("{nth:021}"))).collect();
        deliver(&Aggregator::new(stage.store(EXAMINER)), "shardId-1", &records).await;
        stage
    }

    fn store(&self, process: Process) -> Store {
        Store::new(self.wire.client(process), &names())
    }

    fn run(&self, process: Process) -> JoinHandle<Result<Value, String>> {
        let function = BudgetAlerts::new(self.store(process), self.clock.clone(), outlets());
        tokio::spawn(async move { function.handle(json!({}), TIME).await.map_err(|error| error.to_string()) })
    }

    /// A run whose `nth` request meets `fate`. Whether there were so many.
    async fn run_to(&self, nth: usize, fate: Fate) -> bool {
        let run = self.run(DOOMED);
        let mut requests = 0;
        while !run.is_finished() {
            tokio::time::sleep(Duration::from_micros(200)).await;
            while let Some((number, _)) = self.wire.waiting().first().copied() {
                let request = self.wire.take(number);
                requests += 1;
                let carry_out = || {
                    let (status, body) = self.engine.execute(&request.operation, &request.body);
                    Answer::Reply(status, body)
                };
                let answer = match fate {
                    _ if requests != nth => carry_out(),
                    Fate::RequestLost => Answer::Broken,
                    Fate::AnswerLost => {
                        carry_out();
                        Answer::Broken
                    }
                    Fate::DiesBefore | Fate::DiesAfter => {
                        if matches!(fate, Fate::DiesAfter) {
                            carry_out();
                        }
                        run.abort();
                        let _ = run.await;
                        self.wire.take_all(DOOMED);
                        return true;
                    }
                };
                request.answer(answer);
                tokio::task::yield_now().await;
            }
        }
        requests >= nth
    }

    /// A run of which nothing goes wrong.
    async fn run_well(&self) -> Value {
        let run = self.run(NEXT);
        while !run.is_finished() {
            tokio::time::sleep(Duration::from_micros(200)).await;
            while let Some((number, _)) = self.wire.waiting().first().copied() {
                let request = self.wire.take(number);
                let (status, body) = self.engine.execute(&request.operation, &request.body);
                request.answer(Answer::Reply(status, body));
                tokio::task::yield_now().await;
            }
        }
        run.await.unwrap().unwrap()
    }

    /// The registry's items that begin with a word, by the rest of their keys.
    fn items(&self, prefix: &str) -> BTreeMap<String, Value> {
        let all = self.engine.all(&names().registry);
        let items = all.iter().map(|item| serde_json::to_value(item).unwrap());
        let named = items.filter_map(|item| {
            let rest = item["sk"]["S"].as_str()?.strip_prefix(prefix)?.to_owned();
            Some((rest, item))
        });
        named.collect()
    }

    /// What has been decided, told and left over.
    fn check(&self, what: &str) {
        let status = |item: &Value| item["st"]["S"].as_str().unwrap().to_owned();
        let mut decided: Vec<_> = self
            .items("ALERT#")
            .iter()
            .map(|(key, item)| {
                let parts: Vec<_> = key.split('#').collect();
                format!("{} {} {}", parts[0], parts[4], status(item))
            })
            .collect();
        decided.sort();
        let expected = [
            "agent:nova 100 sent",
            "agent:nova 50 superseded",
            "agent:nova 80 superseded",
            "org 50 superseded",
            "org 80 sent",
        ];
        assert_eq!(decided, expected, "{what}");
        assert!(self.items("DUE#").is_empty(), "{what}");
        let received = self.receiver.received();
        let distinct: BTreeSet<_> =
            received.iter().map(|one| (one.id().to_owned(), one.body.clone())).collect();
        let ids: BTreeSet<_> = received.iter().map(|one| one.id().to_owned()).collect();
        assert_eq!((ids.len(), distinct.len()), (2, 2), "{what}");
        let stored: BTreeSet<_> = self
            .items("ALERT#")
            .values()
            .filter(|item| status(item) == "sent")
            .map(|item| item["m"]["S"].as_str().unwrap().as_bytes().to_vec())
            .collect();
        assert!(distinct.iter().all(|(_, body)| stored.contains(body)), "{what}");
    }
}

/// Lets each request of a run meet a fate, in a run of its own, and looks at what is left after the next runs.
async fn walk(fate: Fate) {
    let template = Template::built_in().unwrap();
    for nth in 1.. {
        let stage = Stage::new(&template).await;
        let met = stage.run_to(nth, fate).await;
        // One run decides what was not, and delivers; the other finds nothing to do.
        for _ in 0..2 {
            stage.clock.set(stage.clock.now() + RUNS);
            stage.run_well().await;
        }
        stage.check(&format!("{fate:?} {nth}"));
        stage.clock.set(stage.clock.now() + TimeDelta::days(1));
        let idle = stage.run_well().await;
        assert_eq!((&idle["decided"], &idle["sent"]), (&json!(0), &json!(0)), "{fate:?} {nth}");
        if !met {
            // Where to begin, whom there is, what is watched, what was spent, two decisions, two deliveries …
            assert!(nth > 10, "{nth}");
            return;
        }
    }
}

#[tokio::test]
async fn a_process_may_die_before_any_of_its_requests() {
    walk(Fate::DiesBefore).await;
}

#[tokio::test]
async fn a_process_may_die_after_any_of_its_requests() {
    walk(Fate::DiesAfter).await;
}

#[tokio::test]
async fn any_answer_may_get_lost() {
    walk(Fate::AnswerLost).await;
}

#[tokio::test]
async fn any_request_may_get_lost() {
    walk(Fate::RequestLost).await;
}
