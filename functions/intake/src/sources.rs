//! `GET /api/sources`: what each sender sent within the last 30 days, and how much of it was stored.
//!
//! Most exporters do not show their users what a response says. Here operators see what was rejected and why, what is
//! not counted, and the share of the calls in a sender's own metrics that has arrived.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ledger::ids::ModelKey;
use ledger::money::{Number, fraction};
use ledger::period::{self, Day, DayRange};
use serde::Serialize;
use store::sources::{CostDifference, SourceCounter, SourceReport, SourceSummary};
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::{App, Route};

/// Number of UTC days that are shown.
const DAYS: u32 = 30;
/// Maximum number of models of a source whose costs are listed.
const MAX_DIFFERENCES: usize = 20;
/// Maximum number of sources in a response. The latest ones are shown.
const MAX_SOURCES: usize = 1_000;

pub fn route() -> Route {
    Route::get("/api/sources", Scope::MetricsRead, handle)
}

#[derive(Debug, Serialize)]
pub struct Response {
    from: Day,
    to: Day,
    /// The latest first.
    sources: Vec<Source>,
    /// The number of sources, including those that are not listed.
    total: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    source: String,
    kind: String,
    version: Option<String>,
    first_seen: Option<String>,
    last_seen: Option<String>,
    accepted: u64,
    calls: u64,
    unpriced_requests: u64,
    duplicates: u64,
    conflicts: u64,
    /// By reason.
    refused: BTreeMap<String, u64>,
    warnings: u64,
    not_counted: NotCounted,
    exclusive_token_corrections: u64,
    without_usage: u64,
    /// Calls in the sender's own metrics. `None` if its metrics have no calls.
    reported_calls: Option<u64>,
    capture_rate: Option<Number>,
    /// Calls whose cost was compared with the cost that the sender reported.
    compared_costs: u64,
    /// The models for which the two differ, largest difference first.
    cost_differences: Vec<Difference>,
}

/// Calls of a model whose reported cost differs from their cost.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    provider: String,
    model: String,
    calls: u64,
    reported_cost: Number,
    cost: Number,
    /// The reported cost minus the cost.
    difference: Number,
}

/// Entries that report calls that are counted by another entry, by signal.
#[derive(Debug, Serialize)]
struct NotCounted {
    spans: u64,
    logs: u64,
    metrics: u64,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let days = DayRange::ending(Day::of(app.clock.now(), chrono_tz::UTC), DAYS);
    let mut all: Vec<_> = app.tables.sources.sources(&caller.org, days).await?.into_iter().collect();
    let total = all.len();
    // A stable sort: sources with the same instant stay in the order of their names.
    all.sort_by_key(|(_, summary)| std::cmp::Reverse(summary.last));
    let sources = all.into_iter().take(MAX_SOURCES).map(|(source, summary)| Source::new(source, summary));
    Ok(Json(Response { from: days.first, to: days.last, sources: sources.collect(), total }))
}

impl Source {
    fn new(source: String, summary: SourceSummary) -> Self {
        let SourceSummary { mut report, first, last } = summary;
        let conflicts = report.refused.remove("conflict").unwrap_or_default();
        let counted = |counter| report.counted(counter);
        let calls = counted(SourceCounter::Calls);
        let reported_calls = Some(report.series.values().sum::<u64>()).filter(|reported| *reported > 0);
        Self {
            source,
            first_seen: first.map(period::rfc3339),
            last_seen: last.map(period::rfc3339),
            accepted: counted(SourceCounter::Accepted),
            calls,
            unpriced_requests: counted(SourceCounter::Unpriced),
            duplicates: counted(SourceCounter::Duplicates),
            conflicts,
            warnings: counted(SourceCounter::Warnings),
            not_counted: NotCounted {
                spans: counted(SourceCounter::UncountedSpans),
                logs: counted(SourceCounter::UncountedLogs),
                metrics: counted(SourceCounter::UncountedMetrics),
            },
            exclusive_token_corrections: counted(SourceCounter::ExclusiveInputs),
            without_usage: counted(SourceCounter::WithoutUsage),
            reported_calls,
            compared_costs: counted(SourceCounter::Compared),
            cost_differences: differences(&report),
            capture_rate: reported_calls.map(|reported| fraction(calls.into(), reported.into())),
            kind: report.kind,
            version: report.version,
            refused: report.refused,
        }
    }
}

fn differences(report: &SourceReport) -> Vec<Difference> {
    let mut all: Vec<_> = report.differences.iter().collect();
    let size = |of: &CostDifference| (of.reported.dollars() - of.charged.dollars()).abs();
    all.sort_by_key(|(_, of)| std::cmp::Reverse(size(of)));
    let view = |(model, of): (&ModelKey, &CostDifference)| Difference {
        provider: model.provider.clone(),
        model: model.model.clone(),
        calls: of.calls,
        reported_cost: Number::usd(of.reported),
        cost: Number::usd(of.charged),
        difference: Number::usd(of.reported - of.charged),
    };
    all.into_iter().take(MAX_DIFFERENCES).map(view).collect()
}
