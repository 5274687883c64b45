//! `POST /v1/events`: stores each event once and responds after all are stored.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use http::{HeaderMap, StatusCode};
use ingestion::body::too_large;
use ingestion::{Batch, Entry, Results, SourceReports};
use lambda_http::Context as LambdaContext;
use ledger::ids::Name;
use runtime::metrics::Metric;
use serde_json::value::RawValue;
use tokio::time::Instant;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::binary;
use crate::body::{self, Events, MAX_BYTES};
use crate::{App, Route};

pub fn route() -> Route {
    Route::post("/v1/events", Scope::EventsWrite, handle)
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    context: Option<axum::Extension<LambdaContext>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Results>)> {
    let started = Instant::now();
    let text = body::text(&headers, body.map_err(|_| too_large(MAX_BYTES))?)?;
    let binary = if binary::is_binary(&headers) { Some(binary::structured(&headers, &text)?) } else { None };
    let events = match &binary {
        Some(event) => Events::One(event),
        None => body::split(&headers, &text)?,
    };
    let entries = entries(&events);
    let settings = app.tables.registry.settings_now(&caller.org).await;
    let settings = settings.inspect_err(|_| Metric::Unavailable.count(entries.len()))?;
    let batch = Batch {
        table: &app.tables.events,
        org: &caller.org,
        settings: &settings,
        tags: &caller.tags,
        now: app.clock.now(),
        retention_days: app.config.event_retention_days,
        is_backfill: caller.scopes.contains(&Scope::EventsBackfill),
        deadline: Batch::deadline(started, context.as_deref()),
    };
    let results = batch.store(entries).await?;
    let mut reports = SourceReports::new("cloudevents");
    for outcome in &results.outcomes {
        reports.add(outcome.source.as_ref().map_or("(none)", Name::as_str), outcome);
    }
    reports.store(&app.tables.sources, &caller.org, app.clock.now()).await;
    Ok((results.status(), Json(results)))
}

/// The events, each with its index and the prefix of its faults' locations.
fn entries<'a>(events: &'a Events<'a>) -> Vec<Entry<'a>> {
    match events {
        Events::One(json) => vec![Entry { index: 0, json, loc: vec!["body".into()], cost: None }],
        Events::List(list) => {
            let entry = |(index, json): (usize, &&'a RawValue)| Entry {
                index,
                json,
                loc: vec!["body".into(), index.into()],
                cost: None,
            };
            list.iter().enumerate().map(entry).collect()
        }
    }
}
