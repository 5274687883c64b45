//! A request on its way to stored events.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use formats::Translation;
use http::HeaderMap;
use ingestion::body::{too_large, unpacked};
use ingestion::{Batch, Entry, Rejected, RejectionCode, Results};
use lambda_http::Context as LambdaContext;
use ledger::settings::Settings;
use runtime::metrics::Metric;
use tokio::time::Instant;
use web::caller::Caller;
use web::error::Result;

use crate::App;

/// Maximum size of a body after decompression: what Lambda passes on.
pub const MAX_BYTES: usize = 6 << 20;

/// The whole body, decompressed.
pub async fn body(headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let bytes = to_bytes(body, MAX_BYTES).await.map_err(|_| too_large(MAX_BYTES))?;
    unpacked(headers, bytes, MAX_BYTES)
}

/// The organization's settings: by some of them requests are translated, by others events are priced.
pub async fn settings(app: &App, caller: &Caller) -> Result<Arc<Settings>> {
    let settings = app.tables.registry.settings_now(&caller.org).await;
    Ok(settings.inspect_err(|_| Metric::Unavailable.count(1))?)
}

/// Stores the events of a translation. Its refusals are left to the caller, whose format reports them.
pub async fn store(
    app: &App,
    caller: &Caller,
    context: Option<&LambdaContext>,
    started: Instant,
    settings: &Settings,
    translation: &Translation,
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
        deadline: Batch::deadline(started, context),
    };
    // Locations lead to the entry: the event between it and the response is none of the sender's.
    let entries = events.iter().map(|event| Entry {
        index: event.index,
        json: &event.json,
        loc: vec!["body".into(), event.index.into()],
    });
    let mut results = batch.store(entries).await?;
    results.warnings.retain(|warning| warning.fault.kind != "unknown_field");
    Ok(results)
}

/// Whether an event was rejected since it is stored with other content.
pub fn is_conflict(rejected: &Rejected) -> bool {
    rejected.code == RejectionCode::Conflict
}

/// Whether a retry may store what was not stored.
pub fn is_unavailable(results: &Results) -> bool {
    results.rejected.iter().any(|rejected| rejected.retryable)
}

/// Counts only: the names of sources are the senders' text.
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
