//! Random calls of organizations in several zones, at several times of the year: every endpoint is compared with an
//! independent computation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use http::StatusCode;
use ledger::period::rfc3339;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::at;
use crate::support::events::{RandomCall, random_call};
use crate::support::oracle::Figures;
use crate::support::zones::{NOWS, ZONES, Zone, first_of_month};
use crate::support::{Caller, World};

/// A call with the fields that only billing looks at.
#[derive(Clone, Debug)]
struct Use {
    call: RandomCall,
    user: Option<u8>,
    is_byok: bool,
}

/// An organization: its zone, its plan and its calls.
#[derive(Clone, Debug)]
struct Fleet {
    zone: usize,
    /// Minutes from the start of the period to now, and from now to its end.
    period: Option<(i64, i64)>,
    allowance: u64,
    uses: Vec<Use>,
    days: u32,
}

fn fleet() -> impl Strategy<Value = Fleet> {
    let one = (random_call(), prop::option::of(0_u8..20), any::<bool>());
    let one = one.prop_map(|(call, user, is_byok)| Use { call, user, is_byok });
    (
        0..ZONES.len(),
        prop::option::weighted(0.7, (0_i64..60 * 24 * 60, 1_i64..60 * 24 * 60)),
        prop_oneof![Just(0), 1_u64..10_000_000_000],
        prop::collection::vec(one, 0..60),
        1_u32..60,
    )
        .prop_map(|(zone, period, allowance, uses, days)| Fleet { zone, period, allowance, uses, days })
}

impl Fleet {
    fn zone(&self) -> &'static Zone {
        &ZONES[self.zone]
    }

    fn events(&self, now: DateTime<Utc>) -> Vec<Value> {
        let event = |(i, used): (usize, &Use)| {
            let mut event = used.call.event(&i.to_string(), now);
            if let Some(user) = used.user {
                event["data"]["end_user"] = json!(format!("user-{user}"));
            }
            if used.is_byok {
                event["data"]["key_source"] = json!("byok");
            }
            event
        };
        self.uses.iter().enumerate().map(event).collect()
    }

    fn period(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        if let Some((before, after)) = self.period {
            return (now - TimeDelta::minutes(before), now + TimeDelta::minutes(after));
        }
        let first = first_of_month(self.zone().date(now));
        (self.zone().start(first), self.zone().start(first + Months::new(1)))
    }

    /// The calls on the days that `has` accepts.
    fn on(&self, now: DateTime<Utc>, has: impl Fn(NaiveDate) -> bool) -> Vec<(NaiveDate, &Use)> {
        let dated = self.uses.iter().map(|used| (self.zone().date(used.call.time(now)), used));
        dated.filter(|(date, _)| has(*date)).collect()
    }
}

fn figures<'a>(uses: impl IntoIterator<Item = &'a Use>, now: DateTime<Utc>) -> Figures {
    let mut figures = Figures::default();
    for used in uses {
        figures.count(&used.call, used.call.time(now));
    }
    figures
}

fn agent(used: &Use) -> String {
    format!("agent-{}", used.call.agent)
}

/// A percentage with one decimal, rounded half-even, in integer arithmetic.
fn percent(part: u64, whole: u64) -> Value {
    let (part, whole) = (u128::from(part) * 1000, u128::from(whole));
    let Some(tenths) = part.checked_div(whole) else { return json!(0) };
    let (rest, odd) = (part % whole * 2, tenths % 2 == 1);
    let tenths = tenths + u128::from(rest > whole || (rest == whole && odd));
    let text = format!("{}.{}", tenths / 10, tenths % 10);
    serde_json::from_str(text.strip_suffix(".0").unwrap_or(&text)).unwrap()
}

async fn check(caller: &Caller<'_>, fleet: &Fleet, now: DateTime<Utc>) {
    let (start, end) = fleet.period(now);
    let (first, until) = (fleet.zone().date(start), fleet.zone().date(end));
    let until = until.max(first + chrono::Days::new(1));
    let uses: Vec<_> =
        fleet.on(now, |date| first <= date && date < until).into_iter().map(|(_, used)| used).collect();
    let total = figures(uses.iter().copied(), now);
    let platform = figures(uses.iter().copied().filter(|used| !used.is_byok), now);
    let users: BTreeSet<_> = uses.iter().filter_map(|used| used.user).collect();
    let agents: BTreeSet<_> = uses.iter().map(|used| agent(used)).collect();
    let tokens = total.tokens_in + total.tokens_out;

    let billing = caller.get("/v1/billing").await;
    assert_eq!(billing["plan"]["current_period_start"], rfc3339(start));
    assert_eq!(billing["plan"]["current_period_end"], rfc3339(end));
    assert_eq!(
        billing["usage"],
        json!({
            "active_instances": agents.len(),
            "api_call_limit": 10_000,
            "conversation_limit": 1_000,
            "instance_limit": 1,
            "max_sites_per_node": 25,
            "platform_cost_usd": platform.cost(),
            "token_allowance": fleet.allowance,
            "total_cost_usd": total.cost(),
            "total_hosted_sites": 0,
            "total_requests": total.requests,
            "total_tokens": tokens,
            "unique_end_users": users.len(),
            "unpriced_requests": total.unpriced,
            "webhost_nodes": 0,
        })
    );
    assert_eq!(
        caller.get("/v1/billing/usage").await,
        json!({
            "by_instance": by_instance(&uses, tokens, now),
            "period_end": rfc3339(end),
            "period_start": rfc3339(start),
            "platform_cost_usd": platform.cost(),
            "token_allowance_monthly": fleet.allowance,
            "token_usage_pct": percent(tokens, fleet.allowance),
            "total_cost_usd": total.cost(),
            "total_requests": total.requests,
            "total_tokens": tokens,
            "unique_end_users": users.len(),
            "unpriced_requests": total.unpriced,
        })
    );
}

fn by_instance(uses: &[&Use], tokens: u64, now: DateTime<Utc>) -> Vec<Value> {
    let mut agents: BTreeMap<String, Vec<&Use>> = BTreeMap::new();
    for used in uses {
        agents.entry(agent(used)).or_default().push(used);
    }
    let mut rows: Vec<_> = agents.into_iter().map(|(id, uses)| (id, figures(uses, now))).collect();
    rows.sort_by_key(|(id, row)| (std::cmp::Reverse(row.tokens_in + row.tokens_out), id.clone()));
    let row = |(id, row): (String, Figures)| {
        json!({
            "cost_usd": row.cost(),
            "hostname": id,
            "instance_id": id,
            "pct_of_total": percent(row.tokens_in + row.tokens_out, tokens),
            "requests": row.requests,
            "status": "online",
            "tokens": row.tokens_in + row.tokens_out,
            "tokens_in": row.tokens_in,
            "tokens_out": row.tokens_out,
            "unpriced_requests": row.unpriced,
        })
    };
    rows.into_iter().map(row).collect()
}

async fn check_charts(caller: &Caller<'_>, fleet: &Fleet, now: DateTime<Utc>) {
    let path = format!("/v1/billing/usage/chart?days={}", fleet.days);
    let today = fleet.zone().date(now);
    let days: Vec<_> = (0..fleet.days).rev().map(|back| today - chrono::Days::new(back.into())).collect();
    let points = |whose: Option<&str>| -> Vec<Value> {
        days.iter()
            .map(|day| {
                let uses = fleet.on(now, |date| date == *day).into_iter().map(|(_, used)| used);
                let day_figures = figures(uses.filter(|used| whose.is_none_or(|id| agent(used) == id)), now);
                json!({
                    "cost_usd": day_figures.cost(),
                    "date": day.to_string(),
                    "requests": day_figures.requests,
                    "tokens": day_figures.tokens_in + day_figures.tokens_out,
                    "unpriced_requests": day_figures.unpriced,
                })
            })
            .collect()
    };
    let label = if fleet.days == 1 { "Last 1 day".to_owned() } else { format!("Last {} days", fleet.days) };
    let chart = |points: Vec<Value>| {
        let unpriced: u64 = points.iter().map(|point| point["unpriced_requests"].as_u64().unwrap()).sum();
        json!({ "period_label": label, "points": points, "unpriced_requests": unpriced })
    };
    let all = caller.get(&path).await;
    assert_eq!(all, chart(points(None)));
    let known: BTreeSet<_> = fleet.uses.iter().map(agent).collect();
    for id in (0..6).map(|i| format!("agent-{i}")) {
        let response = caller.try_get(&format!("{path}&instance_id={id}")).await;
        if known.contains(&id) {
            assert_eq!(response.body, chart(points(Some(&id))));
        } else {
            assert_eq!(response.status, StatusCode::NOT_FOUND);
        }
    }
}

/// Sends the events of two organizations alternately and checks each.
async fn run(world: &World, orgs: &[String; 2], fleets: &[Fleet; 2], now: DateTime<Utc>) {
    world.stack.clock().set(now);
    let callers = [&orgs[0], &orgs[1]].map(|org| world.caller(org));
    for (caller, fleet) in callers.iter().zip(fleets) {
        caller.put("/api/organization", &json!({ "timezone": fleet.zone().name })).await;
        let mut plan = json!({ "token_allowance": fleet.allowance });
        if fleet.period.is_some() {
            let (start, end) = fleet.period(now);
            plan["current_period_start"] = json!(rfc3339(start));
            plan["current_period_end"] = json!(rfc3339(end));
        }
        caller.put("/v1/billing/subscription", &plan).await;
    }
    let events = fleets.each_ref().map(|fleet| fleet.events(now));
    for part in 0..2 {
        for (caller, events) in callers.iter().zip(&events) {
            let (first, second) = events.split_at(events.len() / 2);
            let part = if part == 0 { first } else { second };
            let response = caller.post(&json!(part)).await;
            assert_eq!(response, json!({ "accepted": part.len(), "duplicates": 0, "rejected": [] }));
        }
    }
    world.stack.drain().await;
    for (caller, fleet) in callers.iter().zip(fleets) {
        check(caller, fleet, now).await;
        check_charts(caller, fleet, now).await;
    }
}

#[test]
fn every_endpoint_agrees_with_the_fold_over_raw_events() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next = AtomicU32::new(0);
    let config = Config { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&([fleet(), fleet()], 0..NOWS.len()), |(fleets, now)| {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        let orgs = ["a", "b"].map(|which| format!("org-{nth}{which}"));
        runtime.block_on(run(&world, &orgs, &fleets, at(NOWS[now])));
        Ok(())
    });
    outcome.unwrap();
}
