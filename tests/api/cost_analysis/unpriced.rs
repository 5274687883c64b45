//! `/unpriced`: which calls have no price, and why.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{PATH, call};
use crate::support::{World, noon};

/// Calls of every kind, each with the reason why it has no price, if it has none.
fn kinds() -> Vec<(&'static str, Value, Option<&'static str>)> {
    vec![
        ("anthropic/claude-haiku-4-5", json!({}), None),
        ("acme/in-house-1", json!({ "cost_usd": "0.5" }), None),
        ("acme/in-house-1", json!({}), Some("unknown_provider")),
        ("acme/in-house-1", json!({ "region": "moon", "service_tier": "batch" }), Some("unknown_provider")),
        ("acme/in-house \"2\" 🐄", json!({}), Some("unknown_provider")),
        ("anthropic/claude-nope", json!({}), Some("unknown_model")),
        ("vertex_ai/gemini-nope", json!({}), Some("unknown_model")),
        ("anthropic/claude-haiku-4-5", json!({ "service_tier": "Scale" }), Some("no_price_for_tier")),
        (
            "anthropic/claude-haiku-4-5",
            json!({ "cache_write_12h_tokens": 1 }),
            Some("no_price_for_cache_write"),
        ),
        ("anthropic/claude-haiku-4-5", json!({ "input_audio_tokens": 1 }), Some("no_price_for_modality")),
        ("anthropic/claude-haiku-4-5", json!({ "units": { "pages": 2 } }), Some("no_price_for_unit")),
        ("anthropic/claude-haiku-4-5", json!({ "units": { "made_up": 2 } }), Some("no_price_for_unit")),
    ]
}

/// Rows by what was called, with requests, tokens, and the first and the last second.
type Rows = BTreeMap<[String; 5], (u64, u64, [String; 2])>;

fn rows(response: &Value) -> Rows {
    let row = |row: &Value| {
        let key = ["provider", "model", "tier", "region", "reason"]
            .map(|name| row[name].as_str().unwrap_or_default().to_owned());
        let seen = ["firstSeen", "lastSeen"].map(|name| row[name].as_str().unwrap().to_owned());
        (key, (row["requests"].as_u64().unwrap(), row["tokens"].as_u64().unwrap(), seen))
    };
    response["unpriced"].as_array().unwrap().iter().map(row).collect()
}

fn expected(calls: &[(usize, i64)]) -> Rows {
    let mut rows = Rows::new();
    for (kind, minutes) in calls {
        let (model, more, reason) = &kinds()[*kind];
        let Some(reason) = reason else { continue };
        let (provider, model) = model.split_once('/').unwrap();
        let provider = if provider == "vertex_ai" { "google" } else { provider };
        let text = |name: &str| more[name].as_str().unwrap_or_default().to_lowercase();
        let tier = if text("service_tier").is_empty() { "standard".to_owned() } else { text("service_tier") };
        let key = [provider.to_owned(), model.to_owned(), tier, text("region"), (*reason).to_owned()];
        let time = (noon() - TimeDelta::minutes(*minutes)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let tokens = 1_000_000 + more["cache_write_12h_tokens"].as_u64().unwrap_or_default();
        let row = rows.entry(key).or_insert((0, 0, [time.clone(), time.clone()]));
        (row.0, row.1) = (row.0 + 1, row.1 + tokens);
        row.2[0] = row.2[0].clone().min(time.clone());
        row.2[1] = row.2[1].clone().max(time);
    }
    rows
}

#[tokio::test]
async fn an_organization_without_calls_has_no_unpriced_calls() {
    let world = World::new().await;
    let response = world.caller("acme").get(&format!("{PATH}/unpriced")).await;
    assert_eq!(response, json!({ "unpriced": [], "unpricedRequests": 0 }));
}

#[tokio::test]
async fn each_row_names_the_nearest_ids_of_the_book() {
    let world = World::new().await;
    let acme = world.caller("acme");
    acme.record(&[
        call("1", "nova", "anthropic/claude-sonet-4-5", noon(), &json!({})),
        call("2", "nova", "antropic/claude-sonnet-4-5", noon(), &json!({})),
    ])
    .await;
    let response = acme.get(&format!("{PATH}/unpriced")).await;
    let nearest: Vec<_> =
        response["unpriced"].as_array().unwrap().iter().map(|row| row["nearest"].clone()).collect();
    assert_eq!(nearest[0][0], "claude-sonnet-4-5");
    assert!(
        nearest[1].as_array().unwrap().iter().all(|id| id.as_str().unwrap().ends_with("/claude-sonnet-4-5"))
    );
}

/// Against plain loops over what was sent; the total is that of all other endpoints.
#[test]
fn rows_are_those_of_the_calls_and_agree_with_all_totals() {
    let calls = prop::collection::vec((0..kinds().len(), 0..30 * 24 * 60_i64), 0..60);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(16));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runner
        .run(&calls, |calls| {
            runtime.block_on(async {
                let world = World::new().await;
                let acme = world.caller("acme");
                let events = calls.iter().enumerate().map(|(i, (kind, minutes))| {
                    let (model, more, _) = &kinds()[*kind];
                    call(&i.to_string(), "nova", model, noon() - TimeDelta::minutes(*minutes), more)
                });
                let posted = acme.post(&events.collect::<Value>()).await;
                assert_eq!(posted["accepted"], calls.len());
                world.stack.drain().await;
                for month in ["2026-08", "2026-09"] {
                    let in_month = |(_, minutes): &(usize, i64)| {
                        (noon() - TimeDelta::minutes(*minutes)).to_rfc3339().starts_with(month)
                    };
                    let of_month: Vec<_> = calls.iter().copied().filter(in_month).collect();
                    let path = |what: &str| format!("{PATH}/{what}?month={month}");
                    let response = acme.get(&path("unpriced")).await;
                    prop_assert_eq!(rows(&response), expected(&of_month));
                    let sum: u64 = rows(&response).values().map(|row| row.0).sum();
                    for what in ["unpriced", "summary", "by-model", "by-provider"] {
                        prop_assert_eq!(&acme.get(&path(what)).await["unpricedRequests"], sum, "{}", what);
                    }
                }
                Ok(())
            })
        })
        .unwrap();
}

/// However many names a sender makes up, the response stays small, and the totals exact.
#[tokio::test]
async fn made_up_names_are_counted_together_past_the_bound() {
    let world = World::new().await;
    let acme = world.caller("acme");
    let long = "é".repeat(120);
    let events: Vec<_> = (0..450)
        .map(|i| {
            let more = match i % 3 {
                0 => json!({}),
                1 => json!({ "service_tier": format!("{long}{i}") }),
                _ => json!({ "region": format!("{i}{long}") }),
            };
            call(&i.to_string(), "nova", &format!("acme/{long}{}", i % 200), noon(), &more)
        })
        .collect();
    for batch in events.chunks(90) {
        assert_eq!(acme.post(&json!(batch)).await["accepted"], batch.len());
        world.stack.drain().await;
    }
    let response = acme.get(&format!("{PATH}/unpriced")).await;
    let rows = response["unpriced"].as_array().unwrap();
    assert!(rows.len() <= 101 && response.to_string().len() < 100 << 10, "{} rows", rows.len());
    let last = rows.last().unwrap();
    assert_eq!(
        [&last["provider"], &last["model"], &last["tier"], &last["nearest"]],
        [&json!("(other)"), &json!("(other)"), &Value::Null, &json!([])]
    );
    let requests: u64 = rows.iter().map(|row| row["requests"].as_u64().unwrap()).sum();
    assert_eq!((requests, &response["unpricedRequests"]), (450, &json!(450)));
    assert_eq!(acme.get(&format!("{PATH}/summary")).await["unpricedRequests"], 450);
    let report =
        world.stack.invoke("reconcile", json!({ "do": "day", "org": "acme", "day": "2026-09-15" })).await;
    assert_eq!(report.unwrap()["drift"], 0);
}
