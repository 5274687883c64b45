//! Random samples of organizations in several zones, at several times of the year: every endpoint is compared with an
//! independent computation in integer millionths and milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use http::StatusCode;
use ledger::period::rfc3339;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{at, instant};
use crate::support::events::event;
use crate::support::zones::{NOWS, ZONES, Zone, first_of_month};
use crate::support::{Caller, World};

/// A sample; amounts are in millionths.
#[derive(Clone, Debug)]
struct Sample {
    project: u8,
    instance: u8,
    /// Milliseconds before now.
    end: i64,
    length: i64,
    /// Cores, memory, disk.
    amounts: [u64; 3],
    bytes: [u64; 2],
}

/// Samples of a few minutes, of a day, and of a millisecond: most within the last hours, others within 28 days.
fn sample() -> impl Strategy<Value = Sample> {
    let day = 24 * 60 * 60 * 1000_i64;
    let length = prop_oneof![1..600_000_i64, 1..=day, Just(day), Just(1)];
    let end = prop_oneof![0..2 * day, 0..28 * day];
    let amount = || prop_oneof![Just(0_u64), 0..20_000_000_u64, 0..1_000_000_000_000_u64];
    let bytes = || prop_oneof![Just(0_u64), 0..100_u64, 0..=1_000_000_000_000_000_u64];
    (0_u8..3, 0_u8..5, end, length, [amount(), amount(), amount()], [bytes(), bytes()]).prop_map(
        |(project, instance, end, length, amounts, bytes)| Sample {
            project,
            instance,
            end,
            length,
            amounts,
            bytes,
        },
    )
}

fn millionths(amount: u64) -> String {
    format!("{}.{:06}", amount / 1_000_000, amount % 1_000_000)
}

impl Sample {
    fn span(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let end = now - TimeDelta::milliseconds(self.end);
        (end - TimeDelta::milliseconds(self.length), end)
    }

    fn project(&self) -> String {
        format!("project-{}", self.project)
    }

    fn event(&self, id: usize, now: DateTime<Utc>) -> Value {
        let (from, to) = self.span(now);
        let [cores, ram, disk] = self.amounts.map(millionths);
        let data = json!({
            "project_id": self.project(), "instance_id": format!("i-{}", self.instance),
            "from": rfc3339(from), "to": rfc3339(to), "cpu_cores": cores, "ram_gb": ram, "disk_gb": disk,
            "bandwidth_in_bytes": self.bytes[0], "bandwidth_out_bytes": self.bytes[1],
        });
        event(&id.to_string(), "compute.usage", to, data)
    }
}

/// Totals of samples: millionths × milliseconds, milliseconds, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Figures {
    amounts: [u128; 3],
    instance: u128,
    bytes: [u128; 2],
    instances: BTreeSet<u8>,
}

impl Figures {
    /// Adds the part of a sample that lies in a bucket. Returns whether there is any.
    fn count(&mut self, sample: &Sample, now: DateTime<Utc>, bucket: (DateTime<Utc>, DateTime<Utc>)) -> bool {
        let (from, to) = sample.span(now);
        let (start, end) = (from.max(bucket.0), to.min(bucket.1));
        if start >= end {
            return false;
        }
        let ms = |length: TimeDelta| u128::try_from(length.num_milliseconds()).unwrap();
        for (sum, amount) in self.amounts.iter_mut().zip(sample.amounts) {
            *sum += u128::from(amount) * ms(end - start);
        }
        self.instance += ms(end - start);
        // The whole bytes transferred up to the end of the bucket, less those up to its start.
        let passed = |bytes: u64, until: DateTime<Utc>| u128::from(bytes) * ms(until - from) / ms(to - from);
        for (sum, bytes) in self.bytes.iter_mut().zip(sample.bytes) {
            *sum += passed(bytes, end) - passed(bytes, start);
        }
        self.instances.insert(sample.instance);
        true
    }

    fn row(&self, start: DateTime<Utc>, period: &str, project: &str) -> Value {
        let [cpu, ram, disk] = self.amounts.map(|sum| hours(sum, 3_600_000));
        let number = |bytes: u128| serde_json::from_str::<Value>(&bytes.to_string()).unwrap();
        json!({
            "bandwidthInBytes": number(self.bytes[0]),
            "bandwidthOutBytes": number(self.bytes[1]),
            "cpuCoreHours": cpu,
            "diskGbHours": disk,
            "instanceCount": self.instances.len(),
            // Milliseconds as millionths of an hour.
            "instanceHours": hours(self.instance * 10, 36),
            "periodStart": rfc3339(start),
            "periodType": period,
            "projectId": project,
            "projectName": name(project),
            "ramGbHours": ram,
        })
    }
}

/// Millionths of an hour, half-even, as a number of hours.
fn hours(sum: u128, unit: u128) -> Value {
    let (whole, rest) = (sum / unit, sum % unit * 2);
    let micro = whole + u128::from(rest > unit || (rest == unit && whole % 2 == 1));
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    serde_json::from_str(text.trim_end_matches('0').trim_end_matches('.')).unwrap()
}

/// Only one of the projects has a name.
fn name(project: &str) -> &str {
    if project == "project-0" { "Project Zero" } else { project }
}

/// Buckets, each from its start to its end.
type Buckets = Vec<(DateTime<Utc>, DateTime<Utc>)>;

fn hourly(from: DateTime<Utc>, to: DateTime<Utc>) -> Buckets {
    let hour = |n: i64| DateTime::from_timestamp(n * 3600, 0).unwrap();
    let (first, last) =
        (from.timestamp().div_euclid(3600), (to.timestamp_millis() - 1).div_euclid(3_600_000));
    (first..=last).map(|n| (hour(n), hour(n + 1))).collect()
}

fn daily(zone: &Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Buckets {
    let (mut day, last) = (zone.date(from), zone.date(to - TimeDelta::milliseconds(1)));
    let mut buckets = Vec::new();
    while day <= last {
        buckets.push((zone.start(day), zone.start(day + Days::new(1))));
        day = day + Days::new(1);
    }
    buckets
}

fn monthly(zone: &Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Buckets {
    let first = |date: NaiveDate| first_of_month(date);
    let (mut month, last) = (first(zone.date(from)), first(zone.date(to - TimeDelta::milliseconds(1))));
    let mut buckets = Vec::new();
    while month <= last {
        buckets.push((zone.start(month), zone.start(month + Months::new(1))));
        month = month + Months::new(1);
    }
    buckets
}

fn report(
    samples: &[Sample],
    now: DateTime<Utc>,
    period: &str,
    buckets: &Buckets,
    whose: Option<&str>,
) -> Value {
    let samples: Vec<_> =
        samples.iter().filter(|sample| whose.is_none_or(|id| sample.project() == id)).collect();
    let mut items = Vec::new();
    let mut total = Figures::default();
    for bucket in buckets {
        let mut projects: BTreeMap<String, Figures> = BTreeMap::new();
        for sample in &samples {
            let mut figures = projects.remove(&sample.project()).unwrap_or_default();
            if figures.count(sample, now, *bucket) || !figures.instances.is_empty() {
                projects.insert(sample.project(), figures);
            }
            total.count(sample, now, *bucket);
        }
        items.extend(projects.iter().map(|(project, figures)| figures.row(bucket.0, period, project)));
    }
    let totals = total.row(buckets[0].0, period, whose.unwrap_or_default());
    json!({ "items": items, "period": period, "totals": totals })
}

fn totals(samples: &[Sample], now: DateTime<Utc>, buckets: &Buckets) -> Value {
    let projects: BTreeSet<_> = samples.iter().map(Sample::project).collect();
    let rows = projects.iter().filter_map(|project| {
        let mut figures = Figures::default();
        for sample in samples.iter().filter(|sample| sample.project() == *project) {
            for bucket in buckets {
                figures.count(sample, now, *bucket);
            }
        }
        (!figures.instances.is_empty()).then(|| figures.row(buckets[0].0, "total", project))
    });
    json!({ "totals": rows.collect::<Vec<_>>() })
}

/// A requested range, in milliseconds before now.
type Range = (i64, i64);

async fn check(
    caller: &Caller<'_>,
    zone: &Zone,
    samples: &[Sample],
    now: DateTime<Utc>,
    (from, length): Range,
) {
    let from = now - TimeDelta::milliseconds(from);
    let to = from + TimeDelta::milliseconds(length);
    let range = format!("start_date={}&end_date={}", instant(from), instant(to));
    for (period, buckets) in
        [("hourly", hourly(from, to)), ("daily", daily(zone, from, to)), ("monthly", monthly(zone, from, to))]
    {
        let query = format!("period={period}&{range}");
        let all = caller.get(&format!("/api/usage?{query}")).await;
        assert_eq!(all, report(samples, now, period, &buckets, None), "{query}");
        for project in (0..3).map(|i| format!("project-{i}")) {
            let expected = report(samples, now, period, &buckets, Some(&project));
            if project == "project-1" {
                let one = caller.get(&format!("/api/usage?{query}&project_id={project}")).await;
                assert_eq!(one, expected, "{query}");
            }
            let own = caller.try_get(&format!("/api/projects/{project}/usage?{query}")).await;
            let is_known = project == "project-0" || samples.iter().any(|sample| sample.project() == project);
            assert_eq!(own.status == StatusCode::OK, is_known);
            assert!(!is_known || own.body == expected);
        }
    }
    let response = caller.get(&format!("/api/usage/totals?{range}")).await;
    assert_eq!(response, totals(samples, now, &daily(zone, from, to)));
}

/// Everything that was sent, to the byte and the millisecond, in each of the four totals over the whole range.
async fn check_whole(caller: &Caller<'_>, samples: &[Sample], now: DateTime<Utc>) {
    let mut whole = Figures::default();
    for sample in samples {
        whole.count(sample, now, sample.span(now));
    }
    let from = now - TimeDelta::days(30);
    let range = format!("start_date={}&end_date={}", instant(from), instant(now));
    let same = |mut row: Value| {
        (row["periodStart"], row["periodType"]) = (json!(""), json!(""));
        row
    };
    let expected = same(whole.row(from, "", ""));
    for period in ["hourly", "daily", "monthly"] {
        let report = caller.get(&format!("/api/usage?period={period}&{range}")).await;
        assert_eq!(same(report["totals"].clone()), expected, "{period}");
        let bytes = |name: &str| -> u128 {
            let items = report["items"].as_array().unwrap().iter();
            items.map(|row| row[name].to_string().parse::<u128>().unwrap()).sum()
        };
        let sent = |which: usize| samples.iter().map(|sample| u128::from(sample.bytes[which])).sum::<u128>();
        assert_eq!([bytes("bandwidthInBytes"), bytes("bandwidthOutBytes")], [sent(0), sent(1)], "{period}");
    }
}

async fn run(
    world: &World,
    orgs: &[String; 2],
    fleets: &[(usize, Vec<Sample>); 2],
    now: DateTime<Utc>,
    range: Range,
) {
    world.stack.clock().set(now);
    let callers = [&orgs[0], &orgs[1]].map(|org| world.caller(org));
    for (caller, (zone, samples)) in callers.iter().zip(fleets) {
        caller.put("/api/organization", &json!({ "timezone": ZONES[*zone].name })).await;
        caller.put("/api/projects/project-0", &json!({ "name": "Project Zero" })).await;
        let events: Vec<_> = samples.iter().enumerate().map(|(i, sample)| sample.event(i, now)).collect();
        let response = caller.post(&json!(events)).await;
        assert_eq!(response, json!({ "accepted": events.len(), "duplicates": 0, "rejected": [] }));
    }
    world.stack.drain().await;
    for (caller, (zone, samples)) in callers.iter().zip(fleets) {
        check(caller, &ZONES[*zone], samples, now, range).await;
        check_whole(caller, samples, now).await;
    }
}

#[test]
fn every_endpoint_agrees_with_the_fold_over_raw_samples() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let next = AtomicU32::new(0);
    let fleet = || (0..ZONES.len(), prop::collection::vec(sample(), 0..12));
    let day = 24 * 60 * 60 * 1000_i64;
    let range = (0..29 * day, prop_oneof![1..day, 1..30 * day]);
    let config = Config { cases: 16, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&([fleet(), fleet()], 0..NOWS.len(), range), |(fleets, now, range)| {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let orgs = ["a", "b"].map(|which| format!("org-{nth}{which}"));
            runtime.block_on(run(&world, &orgs, &fleets, at(NOWS[now]), range));
            Ok(())
        });
    outcome.unwrap();
    runtime.block_on(world.stack.redeliver());
}
