//! A run whose time does not suffice.

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
use store::keys::{PK, SK};

use super::{TIME, outlets};
use crate::simulation::engine::Engine;
use crate::simulation::wire::{Answer, EXAMINER, Wire};
use crate::support::noon;
use crate::support::tables::names;

/// More than can be looked at in one run, of which each takes [`REQUEST`]: they have no budgets.
const ORGS: usize = 1_500;
/// How many are looked at side by side.
const AT_ONCE: usize = 32;
/// The time that each request takes.
const REQUEST: Duration = Duration::from_millis(250);

fn org(nth: usize) -> String {
    format!("org-{nth:04}")
}

/// A run, and whom it looked at, in order.
async fn run(engine: &Engine, wire: &Wire) -> (Result<Value, String>, Vec<String>) {
    let store = Store::new(wire.client(1), &names());
    let function = BudgetAlerts::new(store, Clock::fixed(noon()), outlets());
    let run = tokio::spawn(async move { function.handle(json!({}), TIME).await });
    let mut looked_at = Vec::new();
    while !run.is_finished() {
        tokio::task::yield_now().await;
        let Some((number, _)) = wire.waiting().first().copied() else { continue };
        let request = wire.take(number);
        tokio::time::advance(REQUEST).await;
        let pk = request.body["ExpressionAttributeValues"][":p"]["S"].as_str().unwrap_or_default();
        if pk.starts_with("org-") {
            looked_at.push(pk.to_owned());
        }
        let (status, body) = engine.execute(&request.operation, &request.body);
        request.answer(Answer::Reply(status, body));
    }
    (run.await.unwrap().map_err(|error| error.to_string()), looked_at)
}

#[tokio::test(start_paused = true)]
async fn who_was_not_reached_is_counted_and_comes_first_the_next_time() {
    let engine = Arc::new(Engine::new());
    let wire = Wire::new(engine.clone());
    tables::create(&wire.client(EXAMINER), &Template::built_in().unwrap().tables).await.unwrap();
    for nth in 0..ORGS {
        let key = store::keys::subject(&OrgId::new(org(nth)).unwrap(), &Subject::Org);
        let item = json!({ PK: { "S": key.pk }, SK: { "S": key.sk } });
        let body = json!({ "TableName": names().registry, "Item": item });
        assert_eq!(engine.execute("PutItem", &body).0, 200);
    }
    let (first, reached) = run(&engine, &wire).await;
    let left = ORGS - reached.len();
    assert_eq!(first.unwrap_err(), format!("the time did not suffice for {left} organisations"));
    assert!(left > 0 && reached.len() > ORGS / 2, "{left}");

    let (second, then) = run(&engine, &wire).await;
    // Those that were left come first, as far as there is an order among those that are looked at side by side.
    let soon: BTreeSet<_> = then.iter().take(left + AT_ONCE).collect();
    let reached: BTreeSet<_> = reached.iter().collect();
    let all: Vec<_> = (0..ORGS).map(org).collect();
    assert!(all.iter().filter(|org| !reached.contains(org)).all(|org| soon.contains(org)));
    let left = ORGS - then.len();
    assert_eq!(second.unwrap_err(), format!("the time did not suffice for {left} organisations"));
}
