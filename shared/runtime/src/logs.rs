//! Structured logs: one JSON object per line. It carries the request's id and organization, but never a token, a query
//! value or a payload.
//!
//! The Lambda runtime opens a span with the `requestId` of the invocation, and the HTTP edge opens one per request. Each
//! line inside them carries their fields.

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config;

/// The crates of this workspace that log. Libraries may log entire requests and responses, including tokens, below the
/// level `info`, so their lines below that level are never printed.
pub const WORKSPACE_CRATES: &[&str] = include!(concat!(env!("OUT_DIR"), "/crates.rs"));

/// Starts logging to standard output for the whole process, at [`config::log_level`].
pub fn init() {
    // Fails if logging was started before, as in tests, and then has no effect.
    let _ = subscriber(config::log_level(), std::io::stdout).try_init();
}

/// A subscriber that writes lines of `level` and above to `writer`.
pub fn subscriber<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // Lambda only recognizes the `level` of a line that also has a `timestamp`.
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer);
    let shown = filter_fn(move |metadata| is_shown(metadata, level));
    tracing_subscriber::registry().with(lines.with_filter(shown))
}

fn is_shown(metadata: &Metadata<'_>, level: LevelFilter) -> bool {
    let root = metadata.target().split("::").next().unwrap_or_default();
    let level = if WORKSPACE_CRATES.contains(&root) { level } else { level.min(LevelFilter::INFO) };
    // Spans are always enabled, so that a warning or an error carries their fields at any level.
    let level = if metadata.is_span() { level.max(LevelFilter::INFO) } else { level };
    *metadata.level() <= level
}
