//! Whatever is set in whatever order: reads give back what was set last, and the log tells each change once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{Registry, as_set};

/// A request: which thing, and what to set it to; nothing: take it away.
type Step = (usize, Option<Value>);

const THINGS: [(&str, &str); 5] = [
    ("/api/agents/a%2Fb", "agent a/b"),
    ("/api/agents/c", "agent c"),
    ("/api/projects/p", "project p"),
    ("/api/budget", "budget"),
    ("/v1/billing/subscription", "subscription"),
];

fn amount() -> impl Strategy<Value = Value> {
    let digits = (0..=1_000_000_000_000_u64, 0..1_000_000_u32);
    prop::option::of(digits.prop_map(|(whole, millionths)| json!(format!("{whole}.{millionths:06}"))))
        .prop_map(|amount| amount.unwrap_or(Value::Null))
        .prop_filter("within the limit", |amount| {
            amount.as_str().is_none_or(|text| !text.starts_with("1000000000000.") || text.ends_with(".000000"))
        })
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
    let step = (0..THINGS.len()).prop_flat_map(|thing| (Just(thing), prop::option::weighted(0.8, body(thing))));
    prop::collection::vec(step, 1..12)
}

async fn hold(steps: Vec<Step>) {
    let registry = Registry::new().await;
    let mut expected = Vec::new();
    let mut last: BTreeMap<usize, Value> = BTreeMap::new();
    let mut now: BTreeMap<usize, Value> = BTreeMap::new();
    for (thing, body) in steps {
        let (path, what) = THINGS[thing];
        match body {
            Some(body) => {
                let answer = registry.put(path, &body).await;
                for (field, value) in body.as_object().unwrap() {
                    let same = match (value.as_str(), &answer[field]) {
                        // Amounts are given as texts and answered as numbers, digit by digit.
                        (Some(text), Value::Number(number)) => trimmed(text) == trimmed(&number.to_string()),
                        (_, answered) => value == answered,
                    };
                    assert!(same, "{path} {field}: {value} {}", answer[field]);
                }
                now.insert(thing, answer.clone());
                last.insert(thing, answer);
            }
            None => {
                registry.try_delete(path).await;
                let found = registry.try_get(path).await;
                now.insert(thing, if found.status == 200 { found.body } else { Value::Null });
            }
        }
        expected.push(what);
    }
    for (thing, value) in &now {
        let found = registry.try_get(THINGS[*thing].0).await;
        let found = if found.status == 200 { found.body } else { Value::Null };
        assert_eq!(&found, value);
        if !found.is_null() {
            // Sent back as it is, it changes nothing.
            let before = registry.changes().await.len();
            if found["registered"] != false && last.contains_key(thing) && found["etag"] != "unset" {
                assert_eq!(as_set(&registry.put(THINGS[*thing].0, &found).await), as_set(&found));
                assert_eq!(registry.changes().await.len(), before);
            }
        }
    }
    // For each thing the entries form one chain, from nothing to what is stored.
    let told = registry.changes().await;
    assert!(told.len() <= expected.len());
    for (_, what) in THINGS {
        let mut links: Vec<_> = told.iter().filter(|entry| entry["what"] == what).collect();
        assert!(links.iter().all(|entry| entry["before"] != entry["after"]), "{links:?}");
        let count = |side: &str, value: &Value| links.iter().filter(|entry| &entry[side] == value).count();
        let nets: Vec<_> = links
            .iter()
            .flat_map(|entry| [&entry["before"], &entry["after"]])
            .map(|value| count("before", value).abs_diff(count("after", value)))
            .collect();
        // As often as a state is left it was entered, save for the first and the last.
        assert!(nets.iter().all(|net| *net <= 1), "{what}: {links:?}");
        links.retain(|entry| entry["before"].is_null());
        assert!(links.is_empty() == !told.iter().any(|entry| entry["what"] == what));
    }
}

fn trimmed(number: &str) -> String {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number.to_owned(),
    }
}

#[test]
fn reads_and_log_agree_with_what_was_set() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let held = runner.run(&steps(), |steps| {
        runtime.block_on(hold(steps));
        Ok(())
    });
    held.unwrap();
}
