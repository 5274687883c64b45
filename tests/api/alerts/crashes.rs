//! A process dies between any two of its steps, or one of its responses gets lost: each alert is decided once and
//! delivered at least once, always with the same id and the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use budget_alerts::BudgetAlerts;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use local::template::Template;
use local::{tables, token};
use runtime::clock::Clock;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use web::auth::Scope;

use super::{RUNS, TIME, channels};
use crate::simulation::engine::Engine;
use crate::simulation::service::{self, SECRET};
use crate::simulation::wire::{DIRECT, Process, SdkResponse, Wire};
use crate::support::noon;
use crate::support::receiver::Receiver;
use crate::support::tables::{aggregator_at_noon, call, deliver, names, open, record};

/// The process that fails, and the one that runs after it.
const FAILING: Process = 1;
const NEXT: Process = 2;

/// What happens to one request of a run.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The process dies before the request is executed.
    DiesBefore,
    /// The process dies after the request was executed.
    DiesAfter,
    /// The request is executed, and the response gets lost.
    ResponseLost,
    /// The request gets lost.
    RequestLost,
}

/// The tables behind a wire that all requests pass through.
struct Tables {
    engine: Arc<Engine>,
    wire: Wire,
    clock: Clock,
    receiver: Receiver,
}

impl Tables {
    /// An organization and an agent that have crossed thresholds.
    async fn new(template: &Template) -> Self {
        let engine = Arc::new(Engine::new());
        let wire = Wire::new(engine.clone());
        let tables = Self { engine, wire, clock: Clock::fixed(noon()), receiver: Receiver::start().await };
        let client = tables.wire.client(DIRECT);
        tables::create(&client, &template.tables).await.unwrap();
        let registry = service::registry(DIRECT, client, tables.clock.clone());
        let token = token::issue(&SECRET, "acme", &Scope::ALL, 3600).unwrap();
        for (path, body) in [
            ("/api/budget", json!({ "monthly": 100 })),
            ("/api/agents/nova", json!({ "cost_budget_monthly": 10 })),
            ("/api/alerts/destinations/ops", json!({ "url": tables.receiver.url() })),
        ] {
            let (status, body) = registry.send(Method::PUT, path, &token, Some(&body)).await;
            assert_eq!(status, StatusCode::OK, "{body}");
        }
        let calls = [call(1, "nova", "m", "55", noon()), call(2, "vega", "m", "30", noon())];
        let records: Vec<_> =
            (1..).zip(&calls).map(|(nth, call)| record(call, &format!("{nth:021}"))).collect();
        deliver(&aggregator_at_noon(tables.open(DIRECT)), "shardId-1", &records).await;
        tables
    }

    fn open<T: runtime::tables::Tables>(&self, process: Process) -> T {
        open(self.wire.client(process))
    }

    fn run(&self, process: Process) -> JoinHandle<Result<Value, String>> {
        let function = BudgetAlerts::new(self.open(process), self.clock.clone(), channels());
        tokio::spawn(async move { function.handle(json!({}), TIME).await.map_err(|error| error.to_string()) })
    }

    /// A run whose `nth` request meets `fate`. Returns whether there were that many requests.
    async fn run_to(&self, nth: usize, fate: Fate) -> bool {
        let run = self.run(FAILING);
        let mut requests = 0;
        while !run.is_finished() {
            tokio::time::sleep(Duration::from_micros(200)).await;
            while let Some((number, _)) = self.wire.waiting().first().copied() {
                let request = self.wire.take(number);
                requests += 1;
                let carry_out = || {
                    let (status, body) = self.engine.execute(&request.operation, &request.body);
                    SdkResponse::Http(status, body)
                };
                let response = match fate {
                    _ if requests != nth => carry_out(),
                    Fate::RequestLost => SdkResponse::Broken,
                    Fate::ResponseLost => {
                        carry_out();
                        SdkResponse::Broken
                    }
                    Fate::DiesBefore | Fate::DiesAfter => {
                        if matches!(fate, Fate::DiesAfter) {
                            carry_out();
                        }
                        run.abort();
                        let _ = run.await;
                        self.wire.take_all(FAILING);
                        return true;
                    }
                };
                request.respond(response);
                tokio::task::yield_now().await;
            }
        }
        requests >= nth
    }

    /// A run without faults.
    async fn run_without_faults(&self) -> Value {
        let run = self.run(NEXT);
        while !run.is_finished() {
            tokio::time::sleep(Duration::from_micros(200)).await;
            while let Some((number, _)) = self.wire.waiting().first().copied() {
                let request = self.wire.take(number);
                let (status, body) = self.engine.execute(&request.operation, &request.body);
                request.respond(SdkResponse::Http(status, body));
                tokio::task::yield_now().await;
            }
        }
        run.await.unwrap().unwrap()
    }

    /// The registry's items whose sort key starts with `prefix`, by the rest of the key.
    fn items(&self, prefix: &str) -> BTreeMap<String, Value> {
        let all = self.engine.all(&names().registry);
        let items = all.iter().map(|item| serde_json::to_value(item).unwrap());
        let named = items.filter_map(|item| {
            let rest = item["sk"]["S"].as_str()?.strip_prefix(prefix)?.to_owned();
            Some((rest, item))
        });
        named.collect()
    }

    /// Checks the stored alerts, the received messages, and that no delivery is left.
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

/// Lets each request of a run meet `fate`, in a run of its own, and checks the state after two more runs.
async fn try_every_request(fate: Fate) {
    let template = Template::built_in().unwrap();
    for nth in 1.. {
        let tables = Tables::new(&template).await;
        let met = tables.run_to(nth, fate).await;
        // The first run decides and delivers what is missing; the second finds nothing to do.
        for _ in 0..2 {
            tables.clock.set(tables.clock.now() + RUNS);
            tables.run_without_faults().await;
        }
        tables.check(&format!("{fate:?} {nth}"));
        tables.clock.set(tables.clock.now() + TimeDelta::days(1));
        let idle = tables.run_without_faults().await;
        assert_eq!((&idle["decided"], &idle["sent"]), (&json!(0), &json!(0)), "{fate:?} {nth}");
        if !met {
            // At least the start of the rotation, the organizations, the budgets, the rollups, two decisions and two
            // deliveries.
            assert!(nth > 10, "{nth}");
            return;
        }
    }
}

#[tokio::test]
async fn a_process_may_die_before_any_of_its_requests() {
    try_every_request(Fate::DiesBefore).await;
}

#[tokio::test]
async fn a_process_may_die_after_any_of_its_requests() {
    try_every_request(Fate::DiesAfter).await;
}

#[tokio::test]
async fn any_response_may_get_lost() {
    try_every_request(Fate::ResponseLost).await;
}

#[tokio::test]
async fn any_request_may_get_lost() {
    try_every_request(Fate::RequestLost).await;
}
