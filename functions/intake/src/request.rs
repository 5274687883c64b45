//! Turns a request into stored events, for all formats.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use formats::{Signal, Translation};
use http::HeaderMap;
use ingestion::body::{too_large, unpacked};
use ingestion::{Batch, Entry, OutcomeKind, PricedCall, Rejected, RejectionCode, Results, SourceReports};
use lambda_http::Context as LambdaContext;
use ledger::money::{MAX_SCALE, Usd};
use ledger::settings::Settings;
use runtime::metrics::Metric;
use rust_decimal::Decimal;
use store::sources::{CostDifference, SourceCounter, SourceReport};
use tokio::time::Instant;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::App;

/// Maximum size of a body after decompression: Lambda's limit for a request.
pub const MAX_BYTES: usize = 6 << 20;
/// The highest reported cost that is plausible, in US dollars: the maximum of `cost_usd`.
const MAX_REPORTED_COST: u32 = 1_000_000;

/// The whole body, decompressed.
pub async fn body(headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let bytes = to_bytes(body, MAX_BYTES).await.map_err(|_| too_large(MAX_BYTES))?;
    unpacked(headers, bytes, MAX_BYTES)
}

/// The organization's settings, which determine how requests are translated and how events are priced.
pub async fn settings(app: &App, caller: &Caller) -> Result<Arc<Settings>> {
    let settings = app.tables.registry.settings_now(&caller.org).await;
    Ok(settings.inspect_err(|_| Metric::Unavailable.count(1))?)
}

/// Stores the events of a translation. Entries that the translation rejected are left to the caller, whose format
/// determines how they are reported.
pub async fn store(
    app: &App,
    caller: &Caller,
    context: Option<&LambdaContext>,
    started: Instant,
    settings: &Settings,
    (format, translation): (&'static str, &Translation),
) -> Result<Results> {
    let events = &translation.events;
    log(translation);
    Metric::Rejected.count(translation.refusals.len());
    let batch = Batch {
        table: &app.tables.events,
        org: &caller.org,
        settings,
        tags: &caller.tags,
        now: app.clock.now(),
        retention_days: app.config.event_retention_days,
        is_backfill: caller.scopes.contains(&Scope::EventsBackfill),
        deadline: Batch::deadline(started, context),
    };
    // Locations name the entry that was sent, because the sender does not know the event that was made from it.
    let is_charged = settings.organization.charge_reported_costs;
    let entries = events.iter().map(|event| Entry {
        index: event.index,
        json: &event.json,
        loc: vec!["body".into(), event.index.into()],
        cost: reported_cost(event).filter(|_| is_charged),
    });
    let mut results = batch.store(entries).await?;
    take_as_duplicates(&mut results, translation);
    reports(format, translation, &results).store(&app.tables.sources, &caller.org, app.clock.now()).await;
    Ok(results)
}

/// The cost that the sender reported, if it is within the limits of an event's cost.
fn reported_cost(event: &formats::Event) -> Option<Usd> {
    let limit = Decimal::from(MAX_REPORTED_COST);
    let cost = event.reported_cost.filter(|cost| !cost.is_sign_negative() && *cost <= limit)?;
    Some(Usd::new(cost.round_dp(MAX_SCALE)))
}

/// Counts conflicts of events that were dated on receipt as duplicates: a retry differs only in the time of its
/// request.
fn take_as_duplicates(results: &mut Results, translation: &Translation) {
    let undated = translation.events.iter().filter(|event| event.dated_on_receipt);
    let undated: HashSet<usize> = undated.map(|event| event.index).collect();
    let before = results.rejected.len();
    results.rejected.retain(|one| !(is_stored(one) && undated.contains(&one.index)));
    results.duplicates += before - results.rejected.len();
    for outcome in &mut results.outcomes {
        if undated.contains(&outcome.index) && outcome.kind == OutcomeKind::Refused("conflict") {
            outcome.kind = OutcomeKind::Duplicate;
        }
    }
}

/// The outcomes of the request, by sender.
fn reports(format: &'static str, translation: &Translation, results: &Results) -> SourceReports {
    let mut reports = SourceReports::new(format);
    let events: HashMap<usize, &formats::Event> =
        translation.events.iter().map(|event| (event.index, event)).collect();
    for outcome in &results.outcomes {
        let event = events.get(&outcome.index);
        reports.add(event.map_or("(none)", |event| &event.sender), outcome);
        if let (Some(event), Some(call)) = (event, &outcome.priced) {
            compare_costs(reports.of(&event.sender), event, call);
        }
    }
    for refusal in &translation.refusals {
        reports.of(&refusal.sender).refuse("unusable_entry");
    }
    for (sender, counts) in &translation.sources {
        let report = reports.of(sender);
        report.version.clone_from(&counts.version);
        let uncounted = |signal| counts.uncounted.get(&signal).copied().unwrap_or_default();
        for (counter, entries) in [
            (SourceCounter::UncountedSpans, uncounted(Signal::Spans)),
            (SourceCounter::UncountedLogs, uncounted(Signal::Logs)),
            (SourceCounter::UncountedMetrics, uncounted(Signal::Metrics)),
            (SourceCounter::ExclusiveInputs, counts.exclusive_inputs),
            (SourceCounter::WithoutUsage, counts.without_usage),
        ] {
            report.count(counter, entries as u64);
        }
    }
    for count in &translation.call_counts {
        let half: [u8; 8] = std::array::from_fn(|i| count.series[i]);
        let series = format!("{:016x}", u64::from_be_bytes(half));
        reports.of(&count.source).series.insert(series, count.calls);
    }
    reports
}

/// Compares the cost of a call with the cost that its sender computed, if there is one.
fn compare_costs(report: &mut SourceReport, event: &formats::Event, call: &PricedCall) {
    let Some(reported) = reported_cost(event) else { return };
    report.count(SourceCounter::Compared, 1);
    if differ(reported, call.cost) {
        let difference = CostDifference { calls: 1, reported, charged: call.cost };
        report.differ(call.model.clone(), difference);
    }
}

/// Whether two costs differ by a millionth or more. Senders use floating-point numbers, so smaller differences are
/// ignored.
fn differ(reported: Usd, charged: Usd) -> bool {
    let (reported, charged) = (reported.dollars(), charged.dollars());
    (reported - charged).abs() * Decimal::from(1_000_000) > reported.max(charged)
}

/// Whether an event was rejected because it is stored already, with other content or in a higher revision.
pub fn is_stored(rejected: &Rejected) -> bool {
    matches!(rejected.code, RejectionCode::Conflict | RejectionCode::Superseded)
}

/// Whether a retry may store events that were not stored.
pub fn is_unavailable(results: &Results) -> bool {
    results.rejected.iter().any(|rejected| rejected.retryable)
}

/// Logs only counts, because the names of sources are text of the senders.
fn log(translation: &Translation) {
    let sum = |of: fn(&formats::SourceCounts) -> usize| translation.sources.values().map(of).sum::<usize>();
    tracing::info!(
        events = translation.events.len(),
        refused = translation.refusals.len(),
        uncounted = sum(|counts| counts.uncounted.values().sum()),
        exclusive_inputs = sum(|counts| counts.exclusive_inputs),
        without_usage = sum(|counts| counts.without_usage),
        "translated"
    );
}
