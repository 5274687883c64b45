//! Random questions.

use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;

use super::expected::instant;
use crate::support::encoded;
use crate::support::zones::Zone;

/// The range: dates, of which the last is not included, or instants.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    Dates(NaiveDate, NaiveDate),
    Instants(DateTime<Utc>, DateTime<Utc>),
}

#[derive(Clone, Debug)]
pub struct Question {
    pub zone: Zone,
    pub span: Span,
    pub granularity: &'static str,
    pub group_by: Vec<&'static str>,
    pub filters: Vec<(&'static str, Vec<String>)>,
    pub compare: bool,
    pub limit: usize,
}

const MODELS: [&str; 2] = ["model", "provider"];
const AGENTS: [&str; 2] = ["agent", "department"];
pub const LABELS: [&str; 6] =
    ["task_type", "end_user", "session_id", "hostname", "project_id", "tag.customer"];

fn dimension() -> impl Strategy<Value = &'static str> {
    prop::sample::select([&MODELS[..], &AGENTS, &LABELS].concat())
}

fn filter() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    dimension().prop_flat_map(|dimension| {
        let values: Vec<String> = match dimension {
            "model" => vec!["claude-haiku-3.5".into(), "in-house-1".into(), "(none)".into()],
            "provider" => vec!["anthropic".into(), "aws".into(), "(none)".into()],
            "agent" => (0..7).map(|agent| format!("agent-{agent}")).collect(),
            "department" => vec!["Sales".into(), "Research".into(), "(none)".into()],
            "task_type" => vec!["task-0".into(), "task-1".into(), "(none)".into()],
            "end_user" => vec!["user-0".into(), "user-2".into(), "nobody".into()],
            "session_id" => vec!["session-1".into(), "(none)".into()],
            "project_id" => vec!["project-0".into(), "(none)".into()],
            "tag.customer" => vec!["customer-0".into(), "customer-2".into(), "(none)".into()],
            _ => vec!["host-1".into(), "host-2".into(), "(none)".into()],
        };
        let some = 1..=values.len().min(2);
        (Just(dimension), prop::sample::subsequence(values, some))
    })
}

fn span(zone: &Zone, now: DateTime<Utc>) -> impl Strategy<Value = Span> + use<> {
    let today = zone.date(now);
    let month = today.with_day(1).unwrap();
    let dates = (0_u64..36, 1_u64..36).prop_map(move |(ago, days)| {
        let first = today - Days::new(ago);
        Span::Dates(first, first + Days::new(days))
    });
    let short = (0_u64..20, 1_u64..8).prop_map(move |(ago, days)| {
        let first = today - Days::new(ago);
        Span::Dates(first, first + Days::new(days))
    });
    let months = (0_u32..2, 1_u32..3).prop_map(move |(ago, months)| {
        let first = month - Months::new(ago);
        Span::Dates(first, first + Months::new(months))
    });
    let instants = (0_i64..20 * 24 * 60, 1_i64..8 * 24 * 60).prop_map(move |(ago, minutes)| {
        let from = now - TimeDelta::minutes(ago);
        Span::Instants(from, from + TimeDelta::minutes(minutes))
    });
    prop_oneof![2 => dates, 3 => short, 1 => months, 2 => instants]
}

pub fn question(zone: &Zone, now: DateTime<Utc>) -> impl Strategy<Value = Question> + use<> {
    let zone = zone.clone();
    let granularity = prop::sample::select(vec!["total", "month", "week", "day", "hour"]);
    let group_by = prop::collection::vec(dimension(), 0..3);
    let filters = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(filter(), 1..3)];
    (span(&zone, now), granularity, group_by, filters, any::<bool>(), 1_usize..9).prop_map(
        move |(span, granularity, mut group_by, mut filters, compare, limit)| {
            group_by.dedup();
            filters.sort_by_key(|(dimension, _)| *dimension);
            filters.dedup_by_key(|(dimension, _)| *dimension);
            Question { zone: zone.clone(), span, granularity, group_by, filters, compare, limit }
        },
    )
}

impl Question {
    pub fn zone_start(&self, date: NaiveDate) -> DateTime<Utc> {
        self.zone.start(date)
    }

    pub fn ends(&self, zone: &Zone) -> (DateTime<Utc>, DateTime<Utc>) {
        match self.span {
            Span::Dates(first, after) => (zone.start(first), zone.start(after)),
            Span::Instants(from, to) => (from, to),
        }
    }

    fn uses(&self, some: &[&str]) -> bool {
        let filters = self.filters.iter().map(|(dimension, _)| dimension);
        self.group_by.iter().chain(filters).any(|dimension| some.contains(dimension))
    }

    /// The dimensions beside agents, departments, models and providers.
    fn labels(&self) -> BTreeSet<&'static str> {
        let used = self.group_by.iter().copied().chain(self.filters.iter().map(|(dimension, _)| *dimension));
        used.filter(|dimension| LABELS.contains(dimension)).collect()
    }

    /// Whether rollups of a tracked dimension answer, if any rollups can.
    fn is_of_tracked(&self, tracked: &[&str]) -> bool {
        let labels = self.labels();
        labels.len() == 1 && labels.iter().all(|label| tracked.contains(label)) && !self.uses(&AGENTS)
    }

    /// Whether rollups by hour answer.
    fn is_of_hours(&self) -> bool {
        let (from, to) = self.ends(&self.zone);
        let is_whole =
            |instant: DateTime<Utc>| instant.timestamp() % 3600 == 0 && instant.timestamp_subsec_nanos() == 0;
        let is_short = match self.span {
            Span::Dates(first, after) => (after - first).num_days() <= 31,
            Span::Instants(..) => to - from <= TimeDelta::days(31),
        };
        let is_of_models = !self.uses(&LABELS) && !self.uses(&AGENTS);
        self.granularity == "hour" && is_of_models && is_short && is_whole(from) && is_whole(to)
    }

    fn is_raw(&self, tracked: &[&str]) -> bool {
        if self.granularity == "hour" {
            return !self.is_of_hours();
        }
        let is_midnight = |instant| self.zone.start(self.zone.date(instant)) == instant;
        let (from, to) = self.ends(&self.zone);
        let is_told_apart = !self.uses(&LABELS) || self.is_of_tracked(tracked);
        !is_told_apart || !is_midnight(from) || !is_midnight(to)
    }

    /// Whether it has an answer.
    pub fn is_answered(&self, tracked: &[&str]) -> bool {
        let (from, to) = self.ends(&self.zone);
        let is_short = match self.span {
            Span::Dates(first, after) => (after - first).num_days() <= 7,
            Span::Instants(..) => to - from <= TimeDelta::days(7),
        };
        is_short || !self.is_raw(tracked)
    }

    /// Whether the parts of costs, latencies, and latencies in total are known.
    pub fn known(&self, tracked: &[&str]) -> (bool, bool, bool) {
        let filters_models = self.filters.iter().any(|(dimension, _)| MODELS.contains(dimension));
        if self.is_raw(tracked) || self.is_of_hours() || self.is_of_tracked(tracked) {
            return (true, true, true);
        }
        (!self.uses(&AGENTS), !self.uses(&MODELS), !filters_models)
    }

    pub fn query(&self) -> String {
        let (from, to) = match self.span {
            Span::Dates(first, after) => (first.to_string(), after.to_string()),
            Span::Instants(from, to) => (instant(from), instant(to)),
        };
        let mut query = format!("from={from}&to={to}&granularity={}&limit={}", self.granularity, self.limit);
        if !self.group_by.is_empty() {
            let _ = write!(query, "&groupBy={}", self.group_by.join(","));
        }
        if self.compare {
            query += "&compare=previous";
        }
        for (dimension, values) in &self.filters {
            for value in values {
                let _ = write!(query, "&filter[{dimension}]={}", encoded(value));
            }
        }
        query
    }
}
