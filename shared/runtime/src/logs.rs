//! Structured logs: a JSON object a line, on which a request's id and organisation stand, and no token, query value or
//! payload ever.
//!
//! Lambda's runtime opens a span with the invocation's `requestId`, and the HTTP edge one for each request, so each
//! line below them carries what they know.

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config;

/// The crates whose lines are written with care. What libraries say below the level of information may show requests
/// and answers whole, tokens among them, so it is never printed.
pub const OURS: [&str; 17] = [
    "activity",
    "aggregator",
    "billing",
    "budget_alerts",
    "costs",
    "health",
    "ingest",
    "ledger",
    "metrics",
    "reconcile",
    "registry",
    "runtime",
    "store",
    "usage",
    "web",
    "webhook",
    "workforce",
];

/// Logs for the whole process, on standard output, at the level of [`config::log_level`].
pub fn init() {
    // A second call, as tests make it, changes nothing.
    let _ = subscriber(config::log_level(), std::io::stdout).try_init();
}

/// What writes the lines of `level` and above to `writer`.
pub fn subscriber<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // Lambda files a line under its own `level` only where it has a `timestamp`, too.
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer);
    let shown = filter_fn(move |metadata| is_shown(metadata, level));
    tracing_subscriber::registry().with(lines.with_filter(shown))
}

fn is_shown(metadata: &Metadata<'_>, level: LevelFilter) -> bool {
    let root = metadata.target().split("::").next().unwrap_or_default();
    let level = if OURS.contains(&root) { level } else { level.min(LevelFilter::INFO) };
    // Spans say whose line it is, be it a warning or an error.
    let level = if metadata.is_span() { level.max(LevelFilter::INFO) } else { level };
    *metadata.level() <= level
}
