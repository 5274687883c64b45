//! A run that runs out of time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use budget_alerts::BudgetAlerts;
use ledger::ids::OrgId;
use ledger::rollup::Subject;
use local::tables;
use local::template::Template;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::Store;
use store::keys::{PK, SK, VERSION};

use super::{TIME, channels};
use crate::simulation::engine::Engine;
use crate::simulation::wire::{DIRECT, SdkResponse, Wire};
use crate::support::noon;
use crate::support::tables::names;

/// More organizations than one run can read, at [`REQUEST`] each; none has a budget.
const ORGS: usize = 1_500;
/// Organizations processed in parallel.
const AT_ONCE: usize = 32;
/// The duration of each request.
const REQUEST: Duration = Duration::from_millis(250);

fn org(nth: usize) -> String {
    format!("org-{nth:04}")
}

/// Runs the function and returns its result and the organizations it read, in order.
async fn run(engine: &Engine, wire: &Wire) -> (Result<Value, String>, Vec<String>) {
    let store = Store::new(wire.client(1), &names());
    let function = BudgetAlerts::new(store, Clock::fixed(noon()), channels());
    let run = tokio::spawn(async move { function.handle(json!({}), TIME).await });
    let mut read = Vec::new();
    while !run.is_finished() {
        tokio::task::yield_now().await;
        let Some((number, _)) = wire.waiting().first().copied() else { continue };
        let request = wire.take(number);
        tokio::time::advance(REQUEST).await;
        // The first value of a query is the partition key.
        let pk = request.body["ExpressionAttributeValues"][":0"]["S"].as_str().unwrap_or_default();
        if pk.starts_with("org-") {
            read.push(pk.to_owned());
        }
        let (status, body) = engine.execute(&request.operation, &request.body);
        request.respond(SdkResponse::Http(status, body));
    }
    (run.await.unwrap().map_err(|error| error.to_string()), read)
}

#[tokio::test(start_paused = true)]
async fn organizations_that_were_not_reached_are_counted_and_come_first_next_time() {
    let engine = Arc::new(Engine::new());
    let wire = Wire::new(engine.clone());
    tables::create(&wire.client(DIRECT), &Template::built_in().unwrap().tables).await.unwrap();
    for nth in 0..ORGS {
        let key = store::keys::subject(&OrgId::new(org(nth)).unwrap(), &Subject::Org);
        let item = json!({ PK: { "S": key.pk }, SK: { "S": key.sk }, VERSION: { "N": "1" } });
        let body = json!({ "TableName": names().registry, "Item": item });
        assert_eq!(engine.execute("PutItem", &body).0, 200);
    }
    let (first, reached) = run(&engine, &wire).await;
    let left = ORGS - reached.len();
    assert_eq!(first.unwrap_err(), format!("no time was left for {left} organizations"));
    assert!(left > 0 && reached.len() > ORGS / 2, "{left}");

    let (second, then) = run(&engine, &wire).await;
    // They come first, up to the reordering among those processed in parallel.
    let soon: BTreeSet<_> = then.iter().take(left + AT_ONCE).collect();
    let reached: BTreeSet<_> = reached.iter().collect();
    let all: Vec<_> = (0..ORGS).map(org).collect();
    assert!(all.iter().filter(|org| !reached.contains(org)).all(|org| soon.contains(org)));
    let left = ORGS - then.len();
    assert_eq!(second.unwrap_err(), format!("no time was left for {left} organizations"));
}
