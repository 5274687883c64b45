//! Answers, computed independently: plain loops over what was sent, integer picodollars, periods found by search.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use ledger::period;
use serde_json::{Map, Value, json};

use super::question::{Question, Span};
use super::sent::Sent;
use crate::api::cost_analysis::oracle::{half_even, money, number};
use crate::support::oracle::MODELS;
use crate::support::zones::Zone;

/// Sums over calls and tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Of uncached input, cache reads, cache writes and output.
    pub parts: [i128; 4],
    pub requests: u64,
    pub errors: u64,
    pub unpriced: u64,
    /// Likewise.
    pub tokens: [u64; 4],
    pub latency: (u64, u64),
    pub tasks: u64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        for i in 0..4 {
            self.parts[i] += other.parts[i];
            self.tokens[i] += other.tokens[i];
        }
        self.requests += other.requests;
        self.errors += other.errors;
        self.unpriced += other.unpriced;
        self.latency.0 += other.latency.0;
        self.latency.1 += other.latency.1;
        self.tasks += other.tasks;
    }

    fn cost(&self) -> i128 {
        self.parts.iter().sum()
    }

    fn measures(&self, parts: bool, latency: bool) -> Map<String, Value> {
        let part = |i: usize| if parts { money(self.parts[i]) } else { Value::Null };
        let (count, sum) = self.latency;
        let measures = json!({
            "cost": money(self.cost()),
            "inputCost": part(0),
            "cacheReadCost": part(1),
            "cacheWriteCost": part(2),
            "outputCost": part(3),
            "unitCost": if parts { json!(0) } else { Value::Null },
            "requests": self.requests,
            "errors": self.errors,
            "inputTokens": self.tokens[0],
            "cacheReadTokens": self.tokens[1],
            "cacheWriteTokens": self.tokens[2],
            "outputTokens": self.tokens[3],
            "avgResponseMs": if latency { number(half_even(sum.into(), count.into()), 0) } else { Value::Null },
            "tasks": self.tasks,
            "costPerTask": number(half_even(self.cost(), i128::from(self.tasks) * 1_000_000), 6),
            "unpricedRequests": self.unpriced,
        });
        measures.as_object().unwrap().clone()
    }
}

fn change(now: i128, before: i128) -> Value {
    let change = now - before;
    let tenths = half_even(change.abs() * 1_000, before);
    let text = number(tenths, 1).to_string();
    serde_json::from_str(&if change < 0 && tenths > 0 { format!("-{text}") } else { text }).unwrap()
}

/// The name of the period of an instant.
fn period_of(granularity: &str, zone: &Zone, instant: DateTime<Utc>) -> String {
    match granularity {
        "hour" => instant.format("%Y-%m-%dT%H:00:00Z").to_string(),
        _ => period_of_date(granularity, zone.date(instant)),
    }
}

fn period_of_date(granularity: &str, date: NaiveDate) -> String {
    let week = date.iso_week();
    match granularity {
        "month" => date.format("%Y-%m").to_string(),
        "week" => format!("{}-W{:02}", week.year(), week.week()),
        "day" => date.to_string(),
        _ => String::new(),
    }
}

/// The ends of the range before, and how an instant in it is named.
fn before(question: &Question, zone: &Zone) -> (DateTime<Utc>, Box<dyn Fn(DateTime<Utc>) -> String>) {
    let (from, to) = question.ends(zone);
    let granularity = question.granularity;
    let dates = match question.span {
        Span::Dates(first, after) if granularity != "hour" => Some((first, after)),
        _ => None,
    };
    let zone = zone.clone();
    let Some((first, after)) = dates else {
        let span = to - from;
        return (from - span, Box::new(move |instant| period_of(granularity, &zone, instant + span)));
    };
    if first.day() == 1 && after.day() == 1 && ["total", "month"].contains(&granularity) {
        let months = (after.year() - first.year()) * 12 + i32::try_from(after.month()).unwrap()
            - i32::try_from(first.month()).unwrap();
        let months = Months::new(months.try_into().unwrap());
        let name =
            move |instant| period_of_date(granularity, zone.date(instant).with_day(1).unwrap() + months);
        return (question.zone_start(first - months), Box::new(name));
    }
    let days = Days::new((after - first).num_days().try_into().unwrap());
    (
        question.zone_start(first - days),
        Box::new(move |instant| period_of_date(granularity, zone.date(instant) + days)),
    )
}

/// By group and by the name of the period: now and before.
type Groups = BTreeMap<Vec<String>, BTreeMap<String, [Sums; 2]>>;

/// The whole answer: rows and totals.
pub fn answer(
    question: &Question,
    zone: &Zone,
    sent: &[Sent],
    departments: &BTreeMap<u8, String>,
    tracked: &[&str],
) -> (Vec<Value>, Value) {
    let (from, to) = question.ends(zone);
    let (earliest, name_before) = before(question, zone);
    let (mut groups, mut totals): (Groups, _) = (Groups::new(), [Sums::default(); 2]);
    for one in sent {
        let side = if one.time() >= from && one.time() < to {
            0
        } else if question.compare && one.time() >= earliest && one.time() < from {
            1
        } else {
            continue;
        };
        let value =
            |dimension: &str| one.value(dimension, departments).unwrap_or_else(|| "(none)".to_owned());
        if question.filters.iter().any(|(dimension, values)| !values.contains(&value(dimension))) {
            continue;
        }
        let period = if side == 0 {
            period_of(question.granularity, zone, one.time())
        } else {
            name_before(one.time())
        };
        let group = question.group_by.iter().map(|dimension| value(dimension)).collect();
        let sums = one.sums();
        groups.entry(group).or_default().entry(period).or_default()[side].add(&sums);
        totals[side].add(&sums);
    }
    let used = |sums: &Sums| sums.requests + sums.tasks > 0;
    groups.retain(|_, series| series.values().flatten().any(used));
    if question.group_by.is_empty() && groups.is_empty() {
        groups.insert(Vec::new(), BTreeMap::new());
    }
    let (parts, latency, latency_in_total) = question.known(tracked);
    let rows = rows(question, &periods(question, zone), groups, parts, latency);
    (rows, Value::Object(figures(question, &totals, parts, latency_in_total)))
}

/// The names of all periods, in order.
fn periods(question: &Question, zone: &Zone) -> Vec<String> {
    let (from, to) = question.ends(zone);
    let instants =
        (0..).map(|quarters| from + TimeDelta::minutes(15 * quarters)).take_while(|instant| *instant < to);
    let last = to - TimeDelta::nanoseconds(1);
    let mut names: Vec<_> =
        instants.chain([last]).map(|instant| period_of(question.granularity, zone, instant)).collect();
    names.dedup();
    names
}

fn rows(question: &Question, periods: &[String], groups: Groups, parts: bool, latency: bool) -> Vec<Value> {
    let mut ordered: Vec<_> = groups
        .into_iter()
        .map(|(group, series)| {
            let cost: i128 = series.values().map(|[now, _]| now.cost()).sum();
            (std::cmp::Reverse(cost), group, series)
        })
        .collect();
    ordered.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    let mut rows = Vec::new();
    for (_, group, series) in ordered {
        for period in periods {
            let mut row = figures(question, &series.get(period).copied().unwrap_or_default(), parts, latency);
            let values: Map<_, _> = question
                .group_by
                .iter()
                .zip(&group)
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            row.insert("group".to_owned(), Value::Object(values));
            if question.granularity != "total" {
                row.insert("period".to_owned(), json!(period));
            }
            rows.push(Value::Object(row));
        }
    }
    rows
}

fn figures(question: &Question, [now, before]: &[Sums; 2], parts: bool, latency: bool) -> Map<String, Value> {
    let mut figures = now.measures(parts, latency);
    if question.compare {
        let mut previous = before.measures(parts, latency);
        previous.insert("costChangePct".to_owned(), change(now.cost(), before.cost()));
        figures.insert("previous".to_owned(), Value::Object(previous));
    }
    figures
}

/// The model of a call, by position.
pub fn model(position: usize) -> (&'static str, &'static str) {
    (MODELS[position].provider, MODELS[position].model)
}

/// An instant as a query names it.
pub fn instant(instant: DateTime<Utc>) -> String {
    period::rfc3339(instant)
}
