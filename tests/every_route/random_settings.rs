//! Random changes of settings: reads return what was set last, and the audit log has each change once.

use std::collections::BTreeMap;

use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::Response;
use crate::support::registry::Registry;

/// A change: the index of the resource, and its new settings; `None` deletes it.
type Step = (usize, Option<Value>);

const THINGS: [(&str, &str); 5] = [
    ("/api/agents/a%2Fb", "agent a/b"),
    ("/api/agents/c", "agent c"),
    ("/api/projects/p", "project p"),
    ("/api/budget", "budget"),
    ("/v1/billing/subscription", "subscription"),
];

/// Amounts with few enough digits for `serde_json` to keep them.
fn amount() -> impl Strategy<Value = Value> {
    let digits = (0..1_000_000_000_u64, 0..1_000_000_u32);
    prop::option::of(digits.prop_map(|(whole, millionths)| json!(format!("{whole}.{millionths:06}"))))
        .prop_map(|amount| amount.unwrap_or(Value::Null))
}

fn name() -> impl Strategy<Value = Value> {
    prop::option::of("[^\\p{C}]{1,12}").prop_map(|name| json!(name))
}

fn body(thing: usize) -> BoxedStrategy<Value> {
    let status = prop::sample::select(vec!["online", "paused", "draft", "offline", "archived"]);
    match thing {
        0 | 1 => (name(), status, amount(), amount())
            .prop_map(|(name, status, salary, budget)| {
                json!({ "name": name, "status": status, "human_equivalent_salary": salary,
                    "cost_budget_monthly": budget })
            })
            .boxed(),
        2 => name().prop_map(|name| json!({ "name": name })).boxed(),
        3 => (amount(), prop::collection::btree_set(1..=1000_u32, 1..=10), any::<bool>())
            .prop_map(|(monthly, thresholds, forecast)| {
                json!({ "monthly": monthly, "thresholds": thresholds, "forecast": forecast })
            })
            .boxed(),
        _ => ("[a-z]{1,9}", 0..=1_000_000_000_000_000_u64, prop::collection::vec("[a-z]{1,4}", 0..4))
            .prop_map(|(plan, tokens, tiers)| {
                json!({ "plan_name": plan, "token_allowance": tokens, "subscribed_tier_ids": tiers })
            })
            .boxed(),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..THINGS.len()).prop_flat_map(|thing| (Just(thing), prop::option::weighted(0.8, body(thing))));
    prop::collection::vec(step, 1..12)
}

/// The version of a resource; null if it does not exist or was never set.
fn version(found: &Response) -> Value {
    if found.status == StatusCode::OK && found.body["etag"] != "unset" {
        found.body["etag"].clone()
    } else {
        Value::Null
    }
}

async fn hold(steps: Vec<Step>) {
    let registry = Registry::new().await;
    // Expected entries per resource: all changes, and those from nothing.
    let mut expected: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (thing, body) in steps {
        let (path, what) = THINGS[thing];
        let before = registry.try_get(path).await;
        if let Some(body) = &body {
            let response = registry.put(path, body).await;
            body.as_object().unwrap().iter().for_each(|(field, value)| assert_same(value, &response[field]));
            assert_eq!(registry.get(path).await, response);
            // Putting the response back changes nothing.
            assert_eq!(registry.put(path, &response).await, response);
        } else {
            registry.try_delete(path).await;
        }
        let [was, is] = [version(&before), version(&registry.try_get(path).await)];
        let counts = expected.entry(what).or_default();
        counts.0 += usize::from(was != is);
        counts.1 += usize::from(was.is_null() && !is.is_null());
    }
    let entries = registry.changes().await;
    for (what, counts) in expected {
        let of_it: Vec<_> = entries.iter().filter(|entry| entry["what"] == what).collect();
        let from_nothing = of_it.iter().filter(|entry| entry["before"].is_null()).count();
        assert_eq!((of_it.len(), from_nothing), counts, "{what}: {of_it:?}");
        assert!(of_it.iter().all(|entry| entry["before"] != entry["after"]), "{of_it:?}");
    }
}

/// Amounts are sent as strings and returned as numbers.
fn assert_same(given: &Value, answered: &Value) {
    match (given.as_str(), answered) {
        (Some(text), Value::Number(number)) => assert_eq!(trimmed(text), trimmed(&number.to_string())),
        _ => assert_eq!(given, answered),
    }
}

fn trimmed(number: &str) -> String {
    let decimals = number.contains('.');
    if decimals { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number.to_owned() }
}

#[test]
fn reads_and_audit_log_agree_with_what_was_set() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let held = runner.run(&steps(), |steps| {
        runtime.block_on(hold(steps));
        Ok(())
    });
    held.unwrap();
}
