//! Random agents and events in random zones and months: every figure is compared with integer arithmetic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::expected::{self, rounded};
use super::{path, put};
use crate::support::events::event;
use crate::support::{Caller, World};

const ZONES: [&str; 5] = ["UTC", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York", "Pacific/Apia"];
/// Ends of months and years, a leap day, and days on which clocks change.
const NOWS: [&str; 7] = [
    "2026-09-15T12:00:00Z",
    "2024-02-29T23:59:59.999Z",
    "2024-03-01T00:00:00Z",
    "2026-12-31T18:15:00Z",
    "2027-01-01T04:59:59Z",
    "2026-11-01T06:30:00Z",
    "2026-09-26T14:00:00Z",
];
pub const STATUSES: [&str; 5] = ["online", "paused", "draft", "offline", "archived"];
pub const DEPARTMENTS: [Option<&str>; 4] = [None, Some("A"), Some("B"), Some("C")];

/// The settings of an agent, with amounts in millionths.
#[derive(Clone, Debug)]
pub struct Settings {
    pub status: usize,
    pub department: usize,
    pub salary: Option<i128>,
    pub hours: Option<i128>,
    pub budget: Option<i128>,
}

#[derive(Clone, Debug)]
pub enum What {
    /// Cost in millionths, if reported; latency; whether it failed; tokens.
    Call(Option<i128>, Option<u64>, bool, u64),
    /// Millionths of minutes saved; whether the task succeeded.
    Task(Option<i128>, bool),
    Entry,
}

#[derive(Clone, Debug)]
pub struct Done {
    pub agent: usize,
    minutes_ago: i64,
    pub what: What,
}

fn settings() -> impl Strategy<Value = Option<Settings>> {
    let amount = |most: i128| prop::option::of(0..most);
    let all = (0..5_usize, 0..4_usize, amount(200_000_000_000), amount(900_000_000), amount(500_000_000));
    prop::option::weighted(
        0.8,
        all.prop_map(|(status, department, salary, hours, budget)| Settings {
            status,
            department,
            salary,
            hours,
            budget,
        }),
    )
}

fn done() -> impl Strategy<Value = Done> {
    let call = (
        prop::option::weighted(0.8, 0_i128..90_000_000),
        prop::option::of(0_u64..9_999),
        any::<bool>(),
        0_u64..5_000,
    );
    let what = prop_oneof![
        4 => call.prop_map(|(cost, latency, failed, tokens)| What::Call(cost, latency, failed, tokens)),
        2 => (prop::option::of(0_i128..90_000_000), any::<bool>()).prop_map(|(m, ok)| What::Task(m, ok)),
        1 => Just(What::Entry),
    ];
    (0..6_usize, 0_i64..34 * 24 * 60, what).prop_map(|(agent, minutes_ago, what)| Done {
        agent,
        minutes_ago,
        what,
    })
}

fn millionths(amount: i128) -> String {
    format!("{}.{:06}", amount / 1_000_000, amount % 1_000_000)
}

/// Totals over the events of one agent or of all.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    pub calls: u64,
    pub failed: u64,
    pub unpriced: u64,
    pub tokens: u64,
    pub cost: i128,
    pub latency: (u64, u64),
    pub tasks: u64,
    pub reported: Option<i128>,
}

impl Sum {
    fn take(&mut self, what: &What) {
        match what {
            What::Call(cost, latency, failed, tokens) => {
                self.calls += 1;
                self.failed += u64::from(*failed);
                self.unpriced += u64::from(cost.is_none());
                self.tokens += tokens + 1;
                self.cost += cost.unwrap_or(0);
                self.latency.0 += latency.unwrap_or(0);
                self.latency.1 += u64::from(latency.is_some());
            }
            What::Task(minutes, true) => {
                self.tasks += 1;
                if let Some(minutes) = minutes {
                    *self.reported.get_or_insert(0) += minutes;
                }
            }
            What::Task(_, false) => self.failed += 1,
            What::Entry => {}
        }
    }

    pub fn mean(&self) -> Value {
        rounded(self.latency.0.into(), self.latency.1.into(), 0)
    }
}

/// One case: an organization with its agents and their events.
#[derive(Clone, Debug)]
pub struct Case {
    now: DateTime<Utc>,
    zone: Tz,
    settings: Vec<Option<Settings>>,
    pub done: Vec<Done>,
}

impl Case {
    pub fn month(&self, done: &Done) -> (i32, u32) {
        let date = (self.now - TimeDelta::minutes(done.minutes_ago)).with_timezone(&self.zone);
        (date.year(), date.month())
    }

    pub fn this_month(&self) -> (i32, u32) {
        let now = self.now.with_timezone(&self.zone);
        (now.year(), now.month())
    }

    /// The days of this month, today included, and all its days.
    pub fn days_so_far(&self) -> (i128, i128) {
        let today = self.now.with_timezone(&self.zone).date_naive();
        let first = today.with_day(1).unwrap();
        let next = first.checked_add_months(chrono::Months::new(1)).unwrap();
        (today.day().into(), next.signed_duration_since(first).num_days().into())
    }

    pub fn sum<'a>(&'a self, wanted: impl Fn(&&'a Done) -> bool) -> Sum {
        let mut sum = Sum::default();
        self.done.iter().filter(wanted).for_each(|done| sum.take(&done.what));
        sum
    }

    async fn send(&self, caller: &Caller<'_>) {
        put(caller, "/api/organization", json!({ "timezone": self.zone.name() })).await;
        for (i, settings) in self.settings.iter().enumerate() {
            let Some(settings) = settings else { continue };
            let body = json!({
                "status": STATUSES[settings.status],
                "department": DEPARTMENTS[settings.department],
                "human_equivalent_salary": settings.salary.map(millionths),
                "estimated_hours_saved": settings.hours.map(millionths),
                "cost_budget_monthly": settings.budget.map(millionths),
            });
            put(caller, &format!("/api/agents/agent-{i}"), body).await;
        }
        let events: Vec<_> = self.done.iter().enumerate().map(|(i, done)| self.event(i, done)).collect();
        caller.record(&events).await;
    }

    fn event(&self, i: usize, done: &Done) -> Value {
        let (time, agent) =
            (self.now - TimeDelta::minutes(done.minutes_ago), format!("agent-{}", done.agent));
        let (kind, data) = match &done.what {
            What::Call(cost, latency, failed, tokens) => (
                "llm.call",
                json!({
                    "agent_id": agent, "provider": "acme", "model": "in-house", "input_tokens": tokens,
                    "output_tokens": 1, "cost_usd": cost.map(millionths), "latency_ms": latency,
                    "status": if *failed { "error" } else { "ok" },
                }),
            ),
            What::Task(minutes, success) => (
                "task.completed",
                json!({ "agent_id": agent, "minutes_saved": minutes.map(millionths), "success": success }),
            ),
            What::Entry => ("agent.activity", json!({ "agent_id": agent, "event_type": "x" })),
        };
        event(&i.to_string(), kind, time, data)
    }

    /// The agents that count this month, with their totals of the month.
    pub fn members(&self) -> BTreeMap<usize, (Settings, Sum)> {
        let none = Settings { status: 0, department: 0, salary: None, hours: None, budget: None };
        let mut members = BTreeMap::new();
        for (i, settings) in self.settings.iter().enumerate() {
            let sum = self.sum(|done| done.agent == i && self.month(done) == self.this_month());
            let known = settings.is_some() || self.done.iter().any(|done| done.agent == i);
            let worked = sum.calls + sum.tasks + sum.failed > 0;
            let settings = settings.clone().unwrap_or_else(|| none.clone());
            if worked || (known && STATUSES[settings.status] != "archived") {
                members.insert(i, (settings, sum));
            }
        }
        members
    }
}

#[test]
fn all_three_endpoints_agree_with_the_fold_over_raw_events() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next = AtomicU32::new(0);
    let case = (
        0..NOWS.len(),
        0..ZONES.len(),
        prop::collection::vec(settings(), 6),
        prop::collection::vec(done(), 0..90),
    );
    let case = case.prop_map(|(now, zone, settings, done)| Case {
        now: ledger::period::parse_instant(NOWS[now]).unwrap(),
        zone: ZONES[zone].parse().unwrap(),
        settings,
        done,
    });
    let config = Config { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&case, |case| {
        let caller = world.caller(&format!("org-{}", next.fetch_add(1, Ordering::Relaxed)));
        world.stack.clock().set(case.now);
        runtime.block_on(async {
            case.send(&caller).await;
            assert_eq!(caller.get(&path("agents")).await, expected::rows(&case));
            assert_eq!(caller.get(&path("summary")).await, expected::summary(&case));
            for months in [1, 2, 6, 24] {
                let trends = caller.get(&path(&format!("trends?months={months}"))).await;
                assert_eq!(trends, expected::trends(&case, months));
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
