//! Senders: what each of them sent, and how much of it was stored, by day.
//!
//! A request costs one write for each of its sources, but small requests of which all was accepted are counted together:
//! they are kept in memory until there are [`BATCH`] events of a source, or [`PAUSE`] has passed since its last write. So
//! counting costs at most one write unit for every [`BATCH`] events, and one for every [`PAUSE`], instance and source.
//! What an instance has not written when it ends is lost; no figure but these counts depends on it.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::keys::{self, Key, SK, source as attr};
use super::table::Table;
use super::{Connection, Item, decode, n, s};
use crate::error::{Error, Result};
use ledger::ids::{ModelKey, OrgId};
use ledger::money::Usd;
use ledger::period::{self, Day, DayRange};

/// Events of a source that are counted by one write, at least, while requests come often.
pub const BATCH: u64 = 25;
/// How long counts may wait for the next request.
pub const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// How long counts are kept.
const RETENTION: TimeDelta = TimeDelta::days(40);
/// Sources that an instance tells apart on a day. A sender that makes up names fills no table.
const MAX_SOURCES: usize = 200;
/// The source of all others.
pub const OTHER: &str = "(other)";
/// Models of a source whose reported costs differ, as one instance sees them on a day; the others are counted as [`OTHER`].
const MAX_MODELS: usize = 50;
/// Time series of its own calls that a source may have on a day, as one instance sees them.
const MAX_SERIES: usize = 64;

/// What is counted of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceCounter {
    /// Events that were stored.
    Accepted,
    /// Calls among these.
    Calls,
    /// Calls among these without a price.
    Unpriced,
    /// Events that were stored before.
    Duplicates,
    /// Warnings about events that were stored.
    Warnings,
    /// Spans that report what another span or signal reports.
    UncountedSpans,
    /// The same of log records.
    UncountedLogs,
    /// The same of metrics.
    UncountedMetrics,
    /// Calls whose input excluded cached tokens, against the convention.
    ExclusiveInputs,
    /// Successful calls without token counts.
    WithoutUsage,
    /// Calls with a price whose cost was compared with the one that the source reported.
    Compared,
}

impl SourceCounter {
    /// Every counter.
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Calls,
        Self::Unpriced,
        Self::Duplicates,
        Self::Warnings,
        Self::UncountedSpans,
        Self::UncountedLogs,
        Self::UncountedMetrics,
        Self::ExclusiveInputs,
        Self::WithoutUsage,
        Self::Compared,
    ];

    const fn attribute(self) -> &'static str {
        match self {
            Self::Accepted => "a",
            Self::Calls => "q",
            Self::Unpriced => "u",
            Self::Duplicates => "d",
            Self::Warnings => "w",
            Self::UncountedSpans => "us",
            Self::UncountedLogs => "ul",
            Self::UncountedMetrics => "um",
            Self::ExclusiveInputs => "e",
            Self::WithoutUsage => "o",
            Self::Compared => "p",
        }
    }
}

/// Calls of a model whose reported cost differs from their cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostDifference {
    /// Calls.
    pub calls: u64,
    /// The cost that the source reported, in US dollars.
    pub reported: Usd,
    /// The cost by the price book and the organization's own prices.
    pub charged: Usd,
}

impl AddAssign for CostDifference {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.reported += other.reported;
        self.charged += other.charged;
    }
}

/// What requests of a source came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReport {
    /// The format that it sends.
    pub kind: String,
    /// Its version.
    pub version: Option<String>,
    /// Counters that are not zero.
    pub counts: BTreeMap<SourceCounter, u64>,
    /// Entries that were refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Calls that the source counted itself, by time series. They only grow.
    pub series: BTreeMap<String, u64>,
    /// Calls whose reported cost differs, by model.
    pub differences: BTreeMap<ModelKey, CostDifference>,
}

impl SourceReport {
    /// Counts calls whose reported cost differs.
    pub fn differ(&mut self, model: ModelKey, more: CostDifference) {
        let is_known = self.differences.contains_key(&model) || self.differences.len() < MAX_MODELS;
        let other = || ModelKey { provider: OTHER.to_owned(), model: OTHER.to_owned() };
        *self.differences.entry(if is_known { model } else { other() }).or_default() += more;
    }

    /// Counts something.
    pub fn count(&mut self, counter: SourceCounter, more: u64) {
        if more > 0 {
            *self.counts.entry(counter).or_default() += more;
        }
    }

    /// Counts something that was refused.
    pub fn refuse(&mut self, reason: &str) {
        *self.refused.entry(reason.to_owned()).or_default() += 1;
    }

    /// The value of a counter.
    pub fn counted(&self, counter: SourceCounter) -> u64 {
        self.counts.get(&counter).copied().unwrap_or_default()
    }

    /// Adds another part.
    pub fn merge(&mut self, other: Self) {
        self.kind = other.kind;
        self.version = other.version.or(self.version.take());
        for (counter, more) in other.counts {
            self.count(counter, more);
        }
        for (reason, more) in other.refused {
            *self.refused.entry(reason).or_default() += more;
        }
        for (series, calls) in other.series {
            let all = self.series.entry(series).or_default();
            *all = calls.max(*all);
        }
        for (model, more) in other.differences {
            self.differ(model, more);
        }
    }

    fn has_news(&self) -> bool {
        let quiet = [SourceCounter::Accepted, SourceCounter::Calls, SourceCounter::Compared];
        !self.refused.is_empty() || self.counts.keys().any(|counter| !quiet.contains(counter))
    }
}

/// A source, over some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceSummary {
    /// What its requests came to.
    pub report: SourceReport,
    /// The arrival of its first request.
    pub first: Option<DateTime<Utc>>,
    /// The arrival of its last request.
    pub last: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Pending {
    report: SourceReport,
    written: Option<DateTime<Utc>>,
}

type PendingDays = HashMap<Key, Pending>;

/// What is known about senders, in the usage table. Clones share the counts that are not written yet.
#[derive(Clone, Debug)]
pub struct Sources {
    table: Table,
    pending: Arc<Mutex<PendingDays>>,
}

impl Sources {
    /// The sources in the usage table named `name`.
    pub fn open(connection: &Connection, name: &str) -> Self {
        Self { table: Table::new(connection, name), pending: Arc::default() }
    }

    /// Counts what a request of a source came to.
    pub async fn record(
        &self,
        org: &OrgId,
        source: &str,
        report: SourceReport,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let Some((key, due)) = self.due(org, source, report, now) else { return Ok(()) };
        self.write(&key, due, now).await
    }

    /// Adds a report to what is pending. Returns what has to be written now.
    fn due(
        &self,
        org: &OrgId,
        source: &str,
        report: SourceReport,
        now: DateTime<Utc>,
    ) -> Option<(Key, SourceReport)> {
        let day = Day::of(now, chrono_tz::UTC);
        let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = keys::source_day(org, day, source);
        let is_new = !all.contains_key(&key);
        if is_new {
            // Days that are over are not asked for again.
            let today = format!("{day}#");
            all.retain(|key, pending| key.sk.starts_with(&today) || !pending.report.counts.is_empty());
            if all.keys().filter(|other| other.pk == key.pk).count() >= MAX_SOURCES {
                key = keys::source_day(org, day, OTHER);
            }
        }
        let pending = all.entry(key.clone()).or_default();
        pending.report.merge(report);
        while pending.report.series.len() > MAX_SERIES {
            pending.report.series.pop_last();
        }
        let is_due = pending.written.is_none_or(|written| now - written >= PAUSE)
            || pending.report.has_news()
            || pending.report.counted(SourceCounter::Accepted) >= BATCH;
        if !is_due {
            return None;
        }
        pending.written = Some(now);
        Some((key, std::mem::take(&mut pending.report)))
    }

    async fn write(&self, key: &Key, report: SourceReport, now: DateTime<Utc>) -> Result<()> {
        let SourceReport { kind, version, counts, refused, series, differences } = report;
        let at = s(period::rfc3339(now));
        let mut update = self.table.update(key).set(attr::KIND, s(kind)).set(attr::LAST, at.clone());
        update = update.set_if_absent(attr::FIRST, at);
        update = update.set(attr::EXPIRES, n((now + RETENTION).timestamp()));
        if let Some(version) = version {
            update = update.set(attr::VERSION, s(version));
        }
        for (counter, more) in counts {
            update = update.add(counter.attribute(), n(more));
        }
        for (reason, more) in refused {
            update = update.add(&format!("{}{reason}", attr::REFUSED), n(more));
        }
        for (series, calls) in series {
            update = update.set(&format!("{}{series}", attr::SERIES), n(calls));
        }
        for (model, CostDifference { calls, reported, charged }) in differences {
            let name = |prefix| keys::model_attribute(prefix, &model);
            update = update.add(&name(attr::DIFFERENT_CALLS), n(calls));
            update = update.add(&name(attr::DIFFERENT_REPORTED), n(reported.dollars()));
            update = update.add(&name(attr::DIFFERENT_CHARGED), n(charged.dollars()));
        }
        update.send().await?.applied().map(drop)
    }

    /// The sources of some days, by name: one query.
    pub async fn sources(&self, org: &OrgId, days: DayRange) -> Result<BTreeMap<String, SourceSummary>> {
        let query = self.table.query(&keys::source_days(org, days));
        let mut all: BTreeMap<String, SourceSummary> = BTreeMap::new();
        for (source, day) in query.all(|item| parse(&item)).await? {
            let of_source = all.entry(source).or_default();
            of_source.report.merge(day.report);
            of_source.first = of_source.first.into_iter().chain(day.first).min();
            of_source.last = of_source.last.max(day.last);
        }
        Ok(all)
    }
}

fn parse(item: &Item) -> Result<(String, SourceSummary)> {
    let source = keys::parse_source_day(decode::required(item, SK)?);
    let source = source.ok_or_else(|| Error::Internal("a source has no name".to_owned()))?;
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<u64>().ok();
    let with = |prefix: &str| -> BTreeMap<String, u64> {
        let names =
            item.keys().filter_map(|name| Some((name.strip_prefix(prefix)?.to_owned(), number(name)?)));
        names.collect()
    };
    let counts = SourceCounter::ALL.into_iter().filter_map(|one| Some((one, number(one.attribute())?)));
    let report = SourceReport {
        kind: decode::text(item, attr::KIND).unwrap_or_default().to_owned(),
        version: decode::text(item, attr::VERSION).map(str::to_owned),
        counts: counts.collect(),
        refused: with(attr::REFUSED),
        series: with(attr::SERIES),
        differences: differences(item),
    };
    let at = |name| decode::text(item, name).and_then(period::parse_instant);
    Ok((source.to_owned(), SourceSummary { report, first: at(attr::FIRST), last: at(attr::LAST) }))
}

fn differences(item: &Item) -> BTreeMap<ModelKey, CostDifference> {
    let number =
        |prefix, model: &ModelKey| item.get(&keys::model_attribute(prefix, model)).and_then(decode::number);
    let usd = |prefix, model: &ModelKey| Usd::new(number(prefix, model).unwrap_or_default());
    let models =
        item.keys().filter_map(|name| keys::parse_model_attribute(name.strip_prefix(attr::DIFFERENT_CALLS)?));
    let difference = |model: &ModelKey| CostDifference {
        calls: number(attr::DIFFERENT_CALLS, model)
            .and_then(|calls| calls.try_into().ok())
            .unwrap_or_default(),
        reported: usd(attr::DIFFERENT_REPORTED, model),
        charged: usd(attr::DIFFERENT_CHARGED, model),
    };
    models.map(|model| (model.clone(), difference(&model))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest().build();
        Sources::open(&Connection::new(aws_sdk_dynamodb::Client::from_conf(config)), "usage")
    }

    fn accepted(events: u64) -> SourceReport {
        let counts = BTreeMap::from([(SourceCounter::Accepted, events)]);
        SourceReport { kind: "cloudevents".to_owned(), counts, ..SourceReport::default() }
    }

    #[test]
    fn small_requests_are_written_together_and_news_at_once() {
        let (sources, org) = (sources(), OrgId::new("acme").unwrap());
        let due_at = |report, now| sources.due(&org, "s", report, now).map(|(_, due)| due);
        let due = |report| due_at(report, DateTime::UNIX_EPOCH);
        assert_eq!(due(accepted(1)), Some(accepted(1)), "the first request");
        let written = (0..1_000).filter_map(|_| due(accepted(1)));
        let written: Vec<_> = written.map(|due| due.counted(SourceCounter::Accepted)).collect();
        assert_eq!(written, vec![BATCH; 40]);
        assert_eq!(due(accepted(3)), None);
        let mut news = accepted(0);
        news.counts.clear();
        news.refuse("too_old");
        let news = due(news).unwrap();
        assert_eq!((news.counted(SourceCounter::Accepted), news.refused["too_old"]), (3, 1));
        assert_eq!(due(accepted(1)), None);
        assert_eq!(due_at(accepted(1), DateTime::UNIX_EPOCH + PAUSE), Some(accepted(2)));
    }

    #[test]
    fn made_up_names_are_counted_together() {
        let (sources, org) = (sources(), OrgId::new("acme").unwrap());
        let now = DateTime::UNIX_EPOCH;
        let keys = (0..1_000).filter_map(|i| Some(sources.due(&org, &format!("s{i}"), accepted(1), now)?.0));
        let keys: std::collections::BTreeSet<_> = keys.map(|key| key.sk).collect();
        assert_eq!(keys.len(), MAX_SOURCES + 1);
        assert!(keys.contains("1970-01-01#(other)"));
    }
}
