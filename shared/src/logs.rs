//! Structured logs: a JSON object a line, on which a request's id and organisation stand, and no token, query value or
//! payload ever.
//!
//! Lambda's runtime opens a span with the invocation's `requestId`, and [`request`] one for each HTTP request, so each
//! line below them carries what they know.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Metadata, Span, Subscriber, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::app::api_path;
use crate::config;
use crate::ids::OrgId;

/// The crates whose lines are written with care. What libraries say below the level of information may show requests
/// and answers whole, tokens among them, so it is never printed.
pub const OURS: [&str; 13] = [
    "activity",
    "aggregator",
    "billing",
    "budget_alerts",
    "costs",
    "health",
    "ingest",
    "metrics",
    "reconcile",
    "registry",
    "shared",
    "usage",
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

/// Answers a request within a span of its own, and says so in one line. Of the path it names the route alone, since
/// the path itself holds ids.
pub async fn request(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| api_path(path.as_str()).into_owned());
    // The id that the caller was told, beside the invocation's own.
    let api_request_id = match request.extensions().get() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    let span = info_span!("request", apiRequestId = api_request_id, org = Empty);
    let answered = async move {
        let response = next.run(request).await;
        tracing::info!(%method, route, status = response.status().as_u16(), "answered");
        response
    };
    answered.instrument(span).await
}

/// Notes whose request this is, once that is beyond doubt.
pub fn asked_by(org: &OrgId) {
    Span::current().record("org", org.as_str());
}
