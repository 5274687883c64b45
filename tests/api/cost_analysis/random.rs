//! Random calls of several organizations at once, in zones of all kinds: the endpoints of a month are compared with an
//! independent computation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::oracle::{ModelName, Month, Registered, Rollup, add_up, fraction, money, percent};
use super::{PATH, at, set};
use crate::support::events::{RandomCall, random_call};
use crate::support::{Caller, World, noon};

/// Zones, and their minutes ahead of UTC from mid-August to mid-September 2026. Santiago puts its clocks forward on
/// 6 September.
const ZONES: [(&str, i64); 7] = [
    ("UTC", 0),
    ("Asia/Kathmandu", 345),
    ("Pacific/Chatham", 765),
    ("America/St_Johns", -150),
    ("Pacific/Kiritimati", 840),
    ("Pacific/Pago_Pago", -660),
    ("America/Santiago", -240),
];

fn month_of(zone: usize, time: DateTime<Utc>) -> String {
    let (name, mut minutes) = ZONES[zone];
    if name == "America/Santiago" && time >= at("2026-09-06T04:00:00Z") {
        minutes = -180;
    }
    (time + TimeDelta::minutes(minutes)).format("%Y-%m").to_string()
}

#[derive(Clone, Debug)]
struct Org {
    zone: usize,
    calls: Vec<RandomCall>,
    /// In cents.
    budget: Option<u32>,
    registered: BTreeMap<u8, Registered>,
}

fn registered() -> impl Strategy<Value = Registered> {
    (
        prop::option::of("[A-Z][a-z]{1,8}"),
        prop::option::of("[a-z]{1,8}"),
        prop::sample::select(vec!["online", "paused", "draft", "offline", "archived"]),
        prop::option::of(0_u32..10_000_000),
    )
        .prop_map(|(name, model, status, budget)| Registered { name, model, status, budget })
}

fn org() -> impl Strategy<Value = Org> {
    (
        0..ZONES.len(),
        prop::collection::vec(random_call(), 0..60),
        prop::option::of(0_u32..100_000_000),
        prop::collection::btree_map(0_u8..8, registered(), 0..6),
    )
        .prop_map(|(zone, calls, budget, registered)| Org { zone, calls, budget, registered })
}

/// Sorted by cost, highest first, then by name.
fn by_cost<K: Ord + Clone>(sums: &BTreeMap<K, Rollup>) -> Vec<(K, Rollup)> {
    let mut rows: Vec<_> = sums.iter().map(|(key, sums)| (key.clone(), *sums)).collect();
    rows.sort_by(|(a, x), (b, y)| y.cost().cmp(&x.cost()).then_with(|| a.cmp(b)));
    rows
}

fn by_provider(month: &Month) -> BTreeMap<&'static str, Rollup> {
    let mut providers: BTreeMap<_, Vec<&Rollup>> = BTreeMap::new();
    for ((provider, _), sums) in &month.models {
        providers.entry(*provider).or_default().push(sums);
    }
    providers.into_iter().map(|(provider, sums)| (provider, add_up(sums))).collect()
}

const CENT: i128 = 10_000_000_000;

fn summary(org: &Org, month: &Month) -> Value {
    let total = month.total();
    // Every agent that ever made a call is counted.
    let mut agents: Vec<_> = org.calls.iter().map(|call| call.agent).collect();
    agents.extend(org.registered.keys());
    agents.sort_unstable();
    agents.dedup();
    agents.retain(|agent| org.registered.get(agent).is_none_or(|set| set.status != "archived"));
    let of_agents = agents.iter().filter_map(|agent| org.registered.get(agent)?.budget);
    let budget = org.budget.map_or_else(|| of_agents.map(i128::from).sum(), i128::from) * CENT;
    let providers = by_cost(&by_provider(month));
    let providers =
        providers.iter().map(|(name, sums)| json!({ "provider": name, "cost": money(sums.cost()) }));
    let models = by_cost(&month.models);
    let models = models.iter().map(|((provider, model), sums)| {
        json!({ "provider": provider, "model": model, "cost": money(sums.cost()) })
    });
    json!({
        "tokenCost": {
            "total": money(total.cost()),
            "byProvider": providers.collect::<Vec<_>>(),
            "byModel": models.collect::<Vec<_>>(),
        },
        "totalSpend": money(total.cost()),
        "budget": { "total": money(budget), "utilization": fraction(total.cost(), budget) },
        "agentCount": agents.len(),
        "providerCount": by_provider(month).len(),
        "unpricedRequests": total.unpriced,
    })
}

fn providers(month: &Month) -> Value {
    let rows = by_cost(&by_provider(month)).into_iter().map(|(provider, sums)| {
        let models = by_cost(&month.models);
        let models = models.iter().filter(|((of, _), _)| *of == provider).map(|((_, model), _)| *model);
        let name = match provider {
            "anthropic" => "Anthropic",
            "aws" => "AWS",
            other => other,
        };
        json!({
            "providerId": provider,
            "providerName": name,
            "totalCost": money(sums.cost()),
            "totalTokens": sums.tokens_in + sums.tokens_out,
            "models": models.collect::<Vec<_>>(),
            "unpricedRequests": sums.unpriced,
        })
    });
    json!({ "providers": rows.collect::<Vec<_>>(), "unpricedRequests": month.total().unpriced })
}

fn models(month: &Month) -> Value {
    let total = month.total();
    let rows = by_cost(&month.models).into_iter().map(|((provider, model), sums)| {
        let [input, read, write, output] = sums.parts;
        json!({
            "model": model,
            "provider": provider,
            "inputCost": money(input + read + write),
            "cacheReadCost": money(read),
            "cacheWriteCost": money(write),
            "outputCost": money(output),
            "unitsCost": 0,
            "totalCost": money(sums.cost()),
            "inputTokens": sums.tokens_in,
            "outputTokens": sums.tokens_out,
            "pctOfTotal": percent(sums.cost(), total.cost()),
            "unpricedRequests": sums.unpriced,
        })
    });
    json!({ "models": rows.collect::<Vec<_>>(), "unpricedRequests": total.unpriced })
}

/// The agents with a row: id, settings, model and totals.
fn rows(org: &Org, month: &Month) -> Vec<(String, Registered, String, Rollup)> {
    let mut rows = Vec::new();
    for i in 0..8 {
        let id = format!("agent-{i}");
        let set = org.registered.get(&i).cloned();
        let used = month.agents.get(&id);
        if used.is_none() && set.as_ref().is_none_or(|set| set.status == "archived") {
            continue;
        }
        let set = set.unwrap_or(Registered { status: "online", ..Registered::default() });
        let mut most: Option<(ModelName, u64)> = None;
        for ((provider, model), sums) in used.into_iter().flatten() {
            let better = most.is_none_or(|((_, name), requests)| {
                sums.requests > requests || (sums.requests == requests && *model < name)
            });
            if better {
                most = Some(((provider, model), sums.requests));
            }
        }
        let most = most.map(|((_, model), _)| model.to_owned());
        let model = set.model.clone().or(most).unwrap_or_default();
        rows.push((id, set, model, add_up(used.into_iter().flat_map(BTreeMap::values))));
    }
    rows
}

fn agents(org: &Org, month: &Month) -> Value {
    let mut rows = rows(org, month);
    rows.sort_by(|a, b| b.3.cost().cmp(&a.3.cost()).then_with(|| a.0.cmp(&b.0)));
    let row = |(id, set, model, sums): &(String, Registered, String, Rollup)| {
        let budget = set.budget.map(|cents| i128::from(cents) * CENT);
        json!({
            "id": id,
            "name": set.name.as_ref().unwrap_or(id),
            "modelName": model,
            "actualCost": money(sums.cost()),
            "budget": budget.map(money),
            "utilization": fraction(sums.cost(), budget.unwrap_or(0)),
            "overBudget": budget.is_some_and(|budget| sums.cost() > budget),
            "status": set.status,
            "unpricedRequests": sums.unpriced,
        })
    };
    json!({ "agents": rows.iter().map(row).collect::<Vec<_>>(), "unpricedRequests": month.total().unpriced })
}

fn alerts(org: &Org, month: &Month) -> Value {
    let over = |(id, set, model, sums): (String, Registered, String, Rollup)| {
        let budget = i128::from(set.budget?) * CENT;
        let overage = sums.cost() - budget;
        let alert = json!({
            "agentId": id,
            "agentName": set.name.as_ref().unwrap_or(&id),
            "modelName": model,
            "actualCost": money(sums.cost()),
            "budget": money(budget),
            "overage": money(overage.max(0)),
            "overagePct": percent(overage.max(0), budget),
            "unpricedRequests": sums.unpriced,
        });
        (overage > 0).then_some((overage, id, alert))
    };
    let mut alerts: Vec<_> = rows(org, month).into_iter().filter_map(over).collect();
    alerts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let alerts: Vec<_> = alerts.into_iter().map(|(_, _, alert)| alert).collect();
    json!({ "alertCount": alerts.len(), "alerts": alerts, "unpricedRequests": month.total().unpriced })
}

async fn check(caller: &Caller<'_>, org: &Org) {
    for (query, name) in [
        ("", "2026-09"),
        ("?month=2026-09", "2026-09"),
        ("?month=2026-08", "2026-08"),
        ("?month=2026-07", "2026-07"),
    ] {
        let month = Month::of(&org.calls, noon(), |time| month_of(org.zone, time) == name);
        let get = async |path: &str| caller.get(&format!("{PATH}/{path}{query}")).await;
        assert_eq!(get("summary").await, summary(org, &month));
        assert_eq!(get("by-provider").await, providers(&month));
        assert_eq!(get("by-model").await, models(&month));
        assert_eq!(get("agents").await, agents(org, &month));
        assert_eq!(get("budget-alerts").await, alerts(org, &month));
    }
}

async fn prepare(caller: &Caller<'_>, org: &Org) {
    set(caller, "/api/organization", &json!({ "timezone": ZONES[org.zone].0 })).await;
    if let Some(cents) = org.budget {
        let monthly = format!("{}.{:02}", cents / 100, cents % 100);
        set(caller, "/api/budget", &json!({ "monthly": monthly })).await;
    }
    for (agent, registered) in &org.registered {
        set(caller, &format!("/api/agents/agent-{agent}"), &registered.body()).await;
    }
}

/// Sends a few calls of each organization in turn.
async fn send(callers: &[Caller<'_>], orgs: &[Org]) {
    let most = orgs.iter().map(|org| org.calls.len()).max().unwrap_or_default();
    for first in (0..most).step_by(13) {
        for (caller, org) in callers.iter().zip(orgs) {
            let calls = org.calls.iter().enumerate().skip(first).take(13);
            let events: Vec<_> = calls.map(|(i, call)| call.event(&i.to_string(), noon())).collect();
            if !events.is_empty() {
                caller.post(&json!(events)).await;
            }
        }
    }
}

#[test]
fn every_endpoint_agrees_with_the_fold_over_raw_calls() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next_org = AtomicU32::new(0);
    let config = Config { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let strategy = prop::collection::vec(org(), 1..4);
    let outcome = TestRunner::new(config).run(&strategy, |orgs| {
        runtime.block_on(async {
            let name = || format!("org-{}", next_org.fetch_add(1, Ordering::Relaxed));
            let callers: Vec<_> = orgs.iter().map(|_| world.caller(&name())).collect();
            for (caller, org) in callers.iter().zip(&orgs) {
                prepare(caller, org).await;
            }
            send(&callers, &orgs).await;
            world.stack.drain().await;
            for (caller, org) in callers.iter().zip(&orgs) {
                check(caller, org).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
