//! Random logs of several organizations in several zones: every page is compared with a plain filter and sort.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{entry, ids, path, put, walk};
use crate::support::{Caller, World, noon};

const ZONES: [&str; 5] = ["UTC", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York", "Pacific/Niue"];
const AGENTS: [&str; 4] = ["a", "ab", "a/b", "nobody"];
const TYPES: [&str; 4] = ["tool_call", "session_start", "cron_execution", "nothing"];

#[derive(Clone, Debug)]
struct Made {
    agent: usize,
    kind: usize,
    ms_ago: i64,
    org: usize,
}

/// Milliseconds ago: anywhere, within the last hours, at the edges of hours and days, and often at the same instant.
fn ms_ago() -> impl Strategy<Value = i64> {
    let hour = 3_600_000;
    prop_oneof![
        3 => -600_000_i64..34 * 24 * hour,
        2 => -600_000_i64..3 * hour,
        2 => (0_i64..30, -2_i64..3).prop_map(move |(h, ms)| h * hour + ms),
        2 => (0_i64..34, -2_i64..3).prop_map(move |(d, ms)| (d * 24 + 12) * hour + ms),
        1 => 0_i64..3,
    ]
}

#[derive(Clone, Debug)]
struct Query {
    agent: Option<usize>,
    kind: Option<usize>,
    from: Option<i64>,
    to: Option<i64>,
    limit: usize,
    offset: usize,
}

fn query() -> impl Strategy<Value = Query> {
    let end = || prop::option::of(ms_ago());
    (
        prop::option::of(0..AGENTS.len()),
        prop::option::of(0..TYPES.len()),
        end(),
        end(),
        1_usize..12,
        0_usize..130,
    )
        .prop_map(|(agent, kind, from, to, limit, offset)| {
            let (from, to) = match (from, to) {
                (Some(from), Some(to)) => (Some(from.max(to)), Some(from.min(to))),
                other => other,
            };
            Query { agent, kind, from, to, limit, offset }
        })
}

fn at(ms_ago: i64) -> DateTime<Utc> {
    noon() - TimeDelta::milliseconds(ms_ago)
}

/// An entry that was sent.
#[derive(Clone, Debug)]
struct Known {
    time: DateTime<Utc>,
    id: String,
    agent: String,
    kind: String,
}

impl Query {
    fn params(&self) -> Vec<(&'static str, String)> {
        let mut params = Vec::new();
        let instant = |ms| ledger::period::rfc3339(at(ms));
        params.extend(self.agent.map(|agent| ("agentId", AGENTS[agent].to_owned())));
        params.extend(self.kind.map(|kind| ("eventType", TYPES[kind].to_owned())));
        params.extend(self.from.map(|from| ("from", instant(from))));
        params.extend(self.to.map(|to| ("to", instant(to))));
        params.push(("limit", self.limit.to_string()));
        params
    }

    /// The ids to be listed, in order.
    fn expected(&self, known: &[Known]) -> Vec<String> {
        let to = at(self.to.unwrap_or(0));
        let from = self.from.map_or(to - TimeDelta::days(30), at);
        let mut listed: Vec<_> = known
            .iter()
            .filter(|e| from <= e.time && e.time <= to)
            .filter(|e| self.agent.is_none_or(|agent| AGENTS[agent] == e.agent))
            .filter(|e| self.kind.is_none_or(|kind| TYPES[kind] == e.kind))
            .collect();
        listed.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
        listed.into_iter().map(|e| e.id.clone()).collect()
    }

    async fn check(&self, caller: &Caller<'_>, known: &[Known]) {
        let expected = self.expected(known);
        let params = self.params();
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pages = walk(caller, &params, async || {}).await;
        let listed: Vec<_> = pages.iter().flat_map(ids).collect();
        assert_eq!(listed, expected, "{self:?}");
        for (nth, page) in pages.iter().enumerate() {
            check_pagination(&page["pagination"], expected.len(), self.limit, nth * self.limit);
        }
        for offset in [self.offset, self.limit, expected.len().saturating_sub(1), expected.len()] {
            let text = offset.to_string();
            let page = caller.get(&path(&[&params[..], &[("offset", &text)]].concat())).await;
            let wanted: Vec<_> = expected.iter().skip(offset).take(self.limit).cloned().collect();
            assert_eq!(ids(&page), wanted, "{self:?} {offset}");
            check_pagination(&page["pagination"], expected.len(), self.limit, offset);
        }
    }
}

fn check_pagination(pagination: &Value, total: usize, limit: usize, offset: usize) {
    let has_more = offset + limit < total;
    assert_eq!(pagination["nextCursor"].is_string(), has_more);
    let mut shown = pagination.clone();
    shown.as_object_mut().unwrap().remove("nextCursor");
    assert_eq!(shown, json!({ "total": total, "limit": limit, "offset": offset, "hasMore": has_more }));
}

/// Sets the zone of an organization, which is the first entry of its log.
async fn organization(caller: &Caller<'_>, zone: &str) -> Vec<Known> {
    put(caller, "/api/organization", json!({ "timezone": zone, "name": "x" })).await;
    let page = caller.get("/api/activity").await;
    let id = ids(&page).concat();
    assert!(!id.is_empty());
    vec![Known { time: noon(), id, agent: String::new(), kind: "config_change".to_owned() }]
}

#[test]
fn every_page_is_a_slice_of_the_filtered_and_sorted_log() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next = AtomicU32::new(0);
    let made = (0..3_usize, 0..3_usize, ms_ago(), 0..2_usize);
    let made = made.prop_map(|(agent, kind, ms_ago, org)| Made { agent, kind, ms_ago, org });
    let strategy = (
        prop::collection::vec(made, 1..150),
        prop::collection::vec((query(), 0..2_usize), 4..8),
        [0..ZONES.len(), 0..ZONES.len()],
    );
    let config = Config { cases: 16, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(made, asks, zones)| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let callers = [0, 1].map(|i| world.caller(&format!("org-{number}-{i}")));
        runtime.block_on(async {
            for (i, caller) in callers.iter().enumerate() {
                let mut known = organization(caller, ZONES[zones[i]]).await;
                let mine: Vec<_> = made.iter().enumerate().filter(|(_, made)| made.org == i).collect();
                let events: Vec<_> = mine
                    .iter()
                    .map(|(id, m)| entry(&format!("{id:03}"), AGENTS[m.agent], TYPES[m.kind], at(m.ms_ago)))
                    .collect();
                caller.record(&events).await;
                known.extend(mine.iter().map(|(id, m)| Known {
                    time: at(m.ms_ago),
                    id: format!("{id:03}"),
                    agent: AGENTS[m.agent].to_owned(),
                    kind: TYPES[m.kind].to_owned(),
                }));
                for (ask, _) in asks.iter().filter(|(_, org)| *org == i) {
                    ask.check(caller, &known).await;
                }
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
