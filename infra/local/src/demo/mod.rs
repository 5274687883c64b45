//! A demo organization: six agents over 45 days, sent through the stack's own API.
//!
//! The data is pseudo-random, seeded by the date, so a day looks the same in every stack.

mod day;
mod fleet;
mod settings;

use std::time::Duration;

use axum::body::Bytes;
use chrono_tz::Tz;
use http::{Method, Request};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::period::{Day, DayRange};
use serde_json::Value;
use web::auth::Scope;

use crate::aws::gateway::Gateway;
use crate::error::{Error, Result};
use crate::stack::Stack;

/// The demo organization's id.
pub const ORG: &str = "demo";
/// How many days of data it has, today included.
const DAYS: u32 = 45;
/// Days per progress line if there is no terminal for a progress bar.
const REPORTED: u64 = 15;
/// Events in one request: the most that ingest accepts.
const BATCH: usize = 500;

/// Exists in the data folder while the demo is being loaded.
const MARKER: &str = "demo-incomplete";

/// Whether an earlier run was stopped while it loaded the demo.
pub fn is_incomplete(stack: &Stack) -> bool {
    stack.folder().join(MARKER).exists()
}

/// Registers the demo organization and sends its events, day by day.
pub async fn load(stack: &Stack) -> Result<()> {
    let marker = stack.folder().join(MARKER);
    let failed = |error| Error::caused(format_args!("the file {}", marker.display()), error);
    if marker.exists() {
        eprintln!("The demo was only loaded in part. Loading the rest.");
    }
    std::fs::write(&marker, "").map_err(failed)?;
    send(stack).await?;
    std::fs::remove_file(&marker).map_err(failed)
}

async fn send(stack: &Stack) -> Result<()> {
    let now = stack.clock().now();
    // The token's scope `events:backfill` lets ingest accept events that are older than 35 days.
    let sender = Sender { gateway: stack.gateway()?, token: stack.token(ORG, &Scope::ALL)? };
    for (path, body) in settings::all(now) {
        sender.send(Method::PUT, &path, &body).await?;
    }
    let progress = progress_bar();
    for day in DayRange::ending(Day::of(now, Tz::UTC), DAYS).days() {
        let events = day::events(day, now);
        for batch in events.chunks(BATCH) {
            sender.send(Method::POST, "/v1/events", &Value::from(batch)).await?;
        }
        progress.inc(1);
        let loaded = progress.position();
        if progress.is_hidden() && loaded.is_multiple_of(REPORTED) {
            eprintln!("Loaded {loaded} of {DAYS} days.");
        }
    }
    progress.set_message("aggregating");
    stack.drain().await;
    progress.finish_and_clear();
    Ok(())
}

/// Sends requests on behalf of the demo organization.
struct Sender {
    gateway: Gateway,
    token: String,
}

impl Sender {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<()> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|error| Error::caused("cannot build a request of the demo", error))?;
        let response = self.gateway.call(request).await;
        let body = response.body();
        let rejected =
            serde_json::from_slice::<Value>(body).ok().and_then(|body| body.get("rejected").cloned());
        if response.status().is_success() && rejected.is_none_or(|list| list == Value::Array(Vec::new())) {
            return Ok(());
        }
        Err(Error::new(format!(
            "the demo's request to {path} returned {}: {}",
            response.status(),
            String::from_utf8_lossy(body)
        )))
    }
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} days");
    let bar = ProgressBar::new(DAYS.into()).with_message("loading the demo");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    if bar.is_hidden() {
        eprintln!("Loading {DAYS} days of the demo organization.");
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
