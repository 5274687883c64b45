//! Random use of models by agents: recommendations are compared with an exhaustive search of the data file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{Days, NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::book::{Listed, listed, tier};
use super::oracle::{half_even, number, percent};
use super::{PATH, call, set};
use crate::support::{World, noon};

/// The models in use: provider, id, and id in the data files.
const USED: [(&str, &str, &str); 8] = [
    ("anthropic", "claude-opus-4-1", "claude-opus-4-1"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5"),
    ("anthropic", "claude-3-haiku-20240307", "claude-3-haiku"),
    ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
    ("Anthropic", "Claude-Sonnet-4", "claude-sonnet-4-0"),
    ("x-ai", "grok-3", "grok-3"),
    ("x-ai", "grok-4", "grok-4-0709"),
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
        .prop_map(|((agent, model, kind), mut tokens, minutes_ago, failed, own_figure, times)| Use {
            agent,
            model,
            kind,
            tokens: {
                // A cache write has no price at x-ai.
                if USED[model].0 == "x-ai" {
                    tokens[2..4].fill(0);
                }
                tokens
            },
            minutes_ago,
            failed,
            own_figure,
            times,
        })
}

/// The lengths of input by which rollups keep tokens apart.
const STEPS: [u64; 4] = [128_000, 200_000, 272_000, 512_000];

/// The least and the highest cost at the prices of a model.
fn cost(model: &Listed, call: &Use) -> Option<(i128, i128)> {
    let (least, most) = model.cost(&call.tokens, &STEPS)?;
    Some((least * i128::from(call.times), most * i128::from(call.times)))
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
    (across, reach): (bool, &BTreeSet<String>),
    days: &dyn Fn(&Use) -> i128,
) -> Option<Found> {
    let book = listed();
    let (provider, name, id) = USED[model];
    let current = book.iter().find(|one| one.id == id)?;
    let own: Vec<_> = calls.iter().filter(|call| call.model == model).collect();
    let exact = |call: &Use| current.cost(&call.tokens, &thresholds(current)).unwrap().0;
    let recorded = own.iter().map(|call| match call.own_figure {
        Some(cents) => i128::from(cents) * 10_000_000_000 * i128::from(call.times),
        None => exact(call) * i128::from(call.times),
    });
    let today: i128 = own.iter().map(|call| cost(current, call).unwrap().0).sum();
    let now = today.min(recorded.sum());
    let since = own.iter().map(|call| days(call)).max()?;
    let (own_failed, own_all) = failures(&own);
    let of_base =
        |base: &str| calls.iter().filter(|call| base_of(&book, call.model) == Some(base)).collect::<Vec<_>>();
    let mut eligible: Vec<(i128, &Listed)> = Vec::new();
    for one in book.iter().filter(|one| one.is_candidate && one.base != current.base) {
        let is_reachable =
            if across { reach.contains(&one.provider) } else { one.provider == current.provider };
        let (failed, all) = failures(&of_base(&one.base));
        let worse = all > 0 && failed * own_all * 100 > own_failed * all * 100 + 2 * all * own_all;
        let fits = one.context >= longest(&own) && (one.takes_images || !current.takes_images);
        if !is_reachable || worse || tier(&one.id).unwrap() < needed(calls) || !fits {
            continue;
        }
        let then: Option<i128> = own.iter().map(|call| Some(cost(one, call)?.1)).sum();
        eligible.extend(then.map(|then| (now - then, one)));
    }
    let rank = |one: &Listed| {
        (one.id != one.base, Reverse(version(&one.id)), one.id.len(), one.provider.clone(), one.id.clone())
    };
    eligible.sort_by_key(|(saved, one)| (-saved, rank(one)));
    let is_enough = |saved: i128| saved > 0 && saved * 10 >= now && saved * 30 >= since * 1_000_000_000_000;
    let is_retiring = !current.retires_on.is_empty() && *current.retires_on <= *"2026-12-14";
    let best =
        eligible.first().filter(|(saved, _)| is_enough(*saved)).map(|(saved, one)| (Some(*saved), *one));
    let (saved, one) = best.or_else(|| {
        // The only model in use that retires within 90 days.
        let successor = book.iter().find(|one| one.id == "claude-sonnet-5-5").filter(|_| is_retiring)?;
        let then: Option<i128> = own.iter().map(|call| Some(cost(successor, call)?.1)).sum();
        Some((then.map(|then| now - then), successor))
    })?;
    let shown = saved.unwrap_or(0).max(0);
    let row = json!({
        "agentId": format!("agent-{agent}"),
        "agentName": format!("agent-{agent}"),
        "currentModel": name,
        "currentProvider": provider.to_ascii_lowercase(),
        "recommendedModel": one.id,
        "recommendedProvider": one.provider,
        "reason": if is_retiring { "retiring" } else { "saving" },
        "savingsPct": percent(shown, now),
        "estimatedMonthlySavings": number(half_even(shown * 30, since * 1_000_000), 6),
        "currentInputPrice": number(current.prices[0].1[0].unwrap(), 6),
        "recommendedInputPrice": number(one.prices[0].1[0].unwrap(), 6),
        "retiresOn": if current.retires_on.is_empty() { Value::Null } else { json!(current.retires_on) },
    });
    Some(Found { monthly: (shown * 30, since), row })
}

/// The numbers of an id, without dates.
fn version(id: &str) -> Vec<u32> {
    id.split(['-', '.']).filter_map(|part| part.parse().ok()).filter(|number| *number < 100).collect()
}

/// The thresholds of a model, as if rollups kept tokens apart by them.
fn thresholds(model: &Listed) -> Vec<u64> {
    model.prices.iter().map(|(step, _)| *step).filter(|step| *step > 0).collect()
}

fn base_of(book: &[Listed], model: usize) -> Option<&str> {
    book.iter().find(|one| one.id == USED[model].2).map(|one| &*one.base)
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
    for ((agent, ..), model) in pairs {
        let of_agent: Vec<_> = in_window.iter().filter(|call| call.agent == agent).copied().collect();
        found.extend(find(agent, model, &of_agent, (across, &everywhere), &days));
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

/// The fields of a recommendation that are compared.
const KNOWN: [&str; 12] = [
    "agentId",
    "agentName",
    "currentModel",
    "currentProvider",
    "recommendedModel",
    "recommendedProvider",
    "reason",
    "savingsPct",
    "estimatedMonthlySavings",
    "currentInputPrice",
    "recommendedInputPrice",
    "retiresOn",
];

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
            let mut found = caller.get(&format!("{PATH}/recommendations")).await;
            let expected = expected(&uses, across, ZONES[zone].1);
            // Only the fields that the oracle knows.
            for row in found["recommendations"].as_array_mut().unwrap() {
                row.as_object_mut().unwrap().retain(|name, _| KNOWN.contains(&name.as_str()));
            }
            assert_eq!(found, expected);
        });
        Ok(())
    });
    outcome.unwrap();
}
