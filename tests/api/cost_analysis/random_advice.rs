//! Random use of models by agents: recommendations are compared with an exhaustive search of the data file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{Days, NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::book::{Listed, listed};
use super::oracle::{half_even, number, percent};
use super::{PATH, call, set};
use crate::support::{World, noon};

/// The models in use: provider, id, and id in the data file.
const USED: [(&str, &str, &str); 9] = [
    ("anthropic", "claude-opus-4-1", "claude-opus-4-1"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-3.5", "claude-3-5-haiku-latest"),
    ("anthropic", "claude-3-haiku-20240307", "claude-3-haiku"),
    ("Anthropic", "Claude-Haiku-4-5", "claude-haiku-4-5"),
    ("x-ai", "grok-3-fast", "grok-3-fast"),
    ("x-ai", "grok-4", "grok-4-0709"),
    ("x-ai", "grok-4.20-multi-agent", "grok-4.20-multi-agent"),
    ("acme", "in-house", ""),
];
const KINDS: [Option<&str>; 6] =
    [None, Some("chat"), Some("classification"), Some("coding"), Some("research"), Some("else")];
/// Minutes ahead of UTC.
const ZONES: [(&str, i64); 3] = [("UTC", 0), ("Asia/Kathmandu", 345), ("Pacific/Chatham", 765)];

#[derive(Clone, Debug)]
struct Use {
    agent: u8,
    model: usize,
    kind: usize,
    /// Uncached input, cache read, cache write for 5 minutes and for an hour, output.
    tokens: [u64; 5],
    minutes_ago: i64,
    failed: bool,
    /// In cents.
    own_figure: Option<u32>,
    /// The number of such calls.
    times: u32,
}

fn used() -> impl Strategy<Value = Use> {
    let tokens =
        || prop_oneof![3 => Just(0), 4 => 0_u64..5_000, 2 => 10_000_u64..60_000, 1 => 60_000_u64..300_000];
    (
        (0_u8..3, 0..USED.len(), 0..KINDS.len()),
        [tokens(), tokens(), tokens(), tokens(), tokens()],
        0_i64..33 * 24 * 60,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.1, 0_u32..500),
        1_u32..25,
    )
        .prop_map(|((agent, model, kind), tokens, minutes_ago, failed, own_figure, times)| Use {
            agent,
            model,
            kind,
            tokens,
            minutes_ago,
            failed,
            own_figure,
            times,
        })
}

fn cost(model: &Listed, call: &Use) -> i128 {
    model.cost(&call.tokens) * i128::from(call.times)
}

fn tier_of(kind: Option<&str>) -> u8 {
    match kind {
        Some("chat" | "classification") => 0,
        Some("research") => 2,
        _ => 1,
    }
}

fn needed(calls: &[&Use]) -> u8 {
    let all: u32 = calls.iter().map(|call| call.times).sum();
    let of_kind =
        |kind: usize| calls.iter().filter(|call| call.kind == kind).map(|call| call.times).sum::<u32>();
    let enough = (0..KINDS.len()).filter(|kind| of_kind(*kind) > 0 && of_kind(*kind) * 100 >= all * 5);
    enough.map(|kind| tier_of(KINDS[kind])).max().unwrap()
}

fn failures(calls: &[&&Use]) -> (u64, u64) {
    let failed = calls.iter().filter(|call| call.failed).map(|call| u64::from(call.times)).sum();
    (failed, calls.iter().map(|call| u64::from(call.times)).sum())
}

/// The input lengths at which prices or limits change.
const LENGTHS: [u64; 14] = [
    8_192, 16_384, 32_768, 65_536, 128_000, 131_072, 200_000, 256_000, 272_000, 300_000, 512_000, 1_000_000,
    1_048_576, 2_000_000,
];

fn longest(calls: &[&&Use]) -> u64 {
    let longest = calls.iter().map(|call| call.tokens[..4].iter().sum()).max().unwrap_or(0);
    LENGTHS.into_iter().find(|length| *length >= longest).unwrap_or(u64::MAX)
}

struct Found {
    /// Monthly savings, as a fraction.
    monthly: (i128, i128),
    row: Value,
}

/// Finds the recommendation for one model of an agent.
fn find(
    agent: u8,
    model: usize,
    calls: &[&Use],
    reach: &BTreeSet<String>,
    days: &dyn Fn(&Use) -> i128,
) -> Option<Found> {
    let book = listed();
    let (provider, name, id) = USED[model];
    let current = book.iter().find(|one| one.id == id)?;
    let own: Vec<_> = calls.iter().filter(|call| call.model == model).collect();
    let today: i128 = own.iter().map(|call| cost(current, call)).sum();
    let recorded = own.iter().map(|call| match call.own_figure {
        Some(cents) => i128::from(cents) * 10_000_000_000 * i128::from(call.times),
        None => cost(current, call),
    });
    let now = today.min(recorded.sum());
    let days = own.iter().map(|call| days(call)).max()?;
    let (own_failed, own_all) = failures(&own);
    let mut best: Option<(i128, &Listed)> = None;
    for one in book.iter().filter(|one| one.id != id && reach.contains(&one.provider)) {
        let same = |call: &&&Use| USED[call.model].2 == one.id;
        let (failed, all) = failures(&calls.iter().filter(same).collect::<Vec<_>>());
        let worse = all > 0 && failed * own_all * 100 > own_failed * all * 100 + 2 * all * own_all;
        if worse || one.tier() < needed(calls) || one.takes() < longest(&own) {
            continue;
        }
        let saved = now - own.iter().map(|call| cost(one, call)).sum::<i128>();
        let better = best.is_none_or(|(most, then)| saved > most || (saved == most && one.id < then.id));
        if better {
            best = Some((saved, one));
        }
    }
    let (saved, one) = best?;
    if saved <= 0 || saved * 10 < now || saved * 30 < days * 1_000_000_000_000 {
        return None;
    }
    let input = |one: &Listed| number(one.prices[0].1[0], 6);
    let row = json!({
        "agentId": format!("agent-{agent}"),
        "agentName": format!("agent-{agent}"),
        "currentModel": name,
        "currentProvider": provider,
        "recommendedModel": one.id,
        "recommendedProvider": one.provider,
        "savingsPct": percent(saved, now),
        "estimatedMonthlySavings": number(half_even(saved * 30, days * 1_000_000), 6),
        "currentInputPrice": input(current),
        "recommendedInputPrice": input(one),
    });
    Some(Found { monthly: (saved * 30, days), row })
}

/// All recommendations.
fn expected(uses: &[Use], across: bool, minutes: i64) -> Value {
    let date = |call: &Use| -> NaiveDate {
        (noon() - TimeDelta::minutes(call.minutes_ago) + TimeDelta::minutes(minutes)).date_naive()
    };
    let today = (noon() + TimeDelta::minutes(minutes)).date_naive();
    let in_window: Vec<_> = uses.iter().filter(|call| date(call) > today - Days::new(30)).collect();
    let everywhere: BTreeSet<_> = in_window.iter().map(|call| USED[call.model].0.to_lowercase()).collect();
    let days = |call: &Use| i128::from((today - date(call)).num_days() + 1);
    let mut found = Vec::new();
    let mut pairs: BTreeMap<(u8, &str, &str), usize> = BTreeMap::new();
    for call in &in_window {
        pairs.insert((call.agent, USED[call.model].0, USED[call.model].1), call.model);
    }
    for ((agent, provider, _), model) in pairs {
        let of_agent: Vec<_> = in_window.iter().filter(|call| call.agent == agent).copied().collect();
        let own = BTreeSet::from([provider.to_lowercase()]);
        found.extend(find(agent, model, &of_agent, if across { &everywhere } else { &own }, &days));
    }
    found.sort_by(|a, b| (b.monthly.0 * a.monthly.1).cmp(&(a.monthly.0 * b.monthly.1)));
    // 2,329,089,562,800 is divisible by every number up to 30.
    let common = 2_329_089_562_800;
    let total: i128 = found.iter().map(|one| one.monthly.0 * (common / one.monthly.1)).sum();
    let unpriced = in_window.iter().filter(|call| USED[call.model].2.is_empty() && call.own_figure.is_none());
    json!({
        "recommendations": found.into_iter().map(|one| one.row).collect::<Vec<_>>(),
        "totalPotentialSavings": number(half_even(total, common * 1_000_000), 6),
        "unpricedRequests": unpriced.map(|call| call.times).sum::<u32>(),
    })
}

fn events(uses: &[Use]) -> Vec<Value> {
    let events = uses.iter().enumerate().flat_map(|(i, one)| {
        let (provider, model, _) = USED[one.model];
        let mut more = json!({
            "input_tokens": one.tokens[0],
            "cache_read_tokens": one.tokens[1],
            "cache_write_5m_tokens": one.tokens[2],
            "cache_write_1h_tokens": one.tokens[3],
            "output_tokens": one.tokens[4],
            "status": if one.failed { "error" } else { "ok" },
        });
        if let Some(kind) = KINDS[one.kind] {
            more["task_type"] = json!(kind);
        }
        if let Some(cents) = one.own_figure {
            more["cost_usd"] = json!(format!("{}.{:02}", cents / 100, cents % 100));
        }
        let (agent, name) = (format!("agent-{}", one.agent), format!("{provider}/{model}"));
        let time = noon() - TimeDelta::minutes(one.minutes_ago);
        (0..one.times).map(move |n| call(&format!("{i}-{n}"), &agent, &name, time, &more))
    });
    events.collect()
}

#[test]
fn recommendations_match_an_exhaustive_search_of_the_book() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next_org = AtomicU32::new(0);
    let config = Config { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let strategy = (prop::collection::vec(used(), 1..25), any::<bool>(), 0..ZONES.len());
    let outcome = TestRunner::new(config).run(&strategy, |(uses, across, zone)| {
        runtime.block_on(async {
            let caller = world.caller(&format!("org-{}", next_org.fetch_add(1, Ordering::Relaxed)));
            let organization = json!({ "timezone": ZONES[zone].0, "cross_provider_recommendations": across });
            set(&caller, "/api/organization", &organization).await;
            caller.record(&events(&uses)).await;
            let found = caller.get(&format!("{PATH}/recommendations")).await;
            assert_eq!(found, expected(&uses, across, ZONES[zone].1));
        });
        Ok(())
    });
    outcome.unwrap();
}
