//! A demo organisation: six agents, 90 days, sent through the stack's own front door.
//!
//! Every figure is drawn from a dice whose seed is the date, so a day is the same whenever it is looked at.

mod day;
mod fleet;
mod settings;

use std::time::Duration;

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use http::{Method, Request};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::period::{Day, DayRange};
use runtime::clock::Clock;
use serde_json::Value;
use web::auth::Scope;

use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::stack::Stack;

/// The organisation.
pub const ORG: &str = "demo";
/// How many days it has been at work, today included.
const DAYS: u32 = 90;
/// Events in one request; ingest takes no more.
const BATCH: usize = 500;

/// Registers the demo organisation and sends its events, day by day.
pub async fn load(stack: &Stack) -> Result<()> {
    let now = stack.clock().now();
    // Events are taken for 35 days only, so the front door's clock goes through the 90 days with them.
    let clock = Clock::fixed(now);
    let door = Door { gateway: stack.gateway_at(&clock)?, token: stack.token(ORG, &Scope::ALL)? };
    for (path, body) in settings::all(now) {
        door.send(Method::PUT, &path, &body).await?;
    }
    let progress = progress_bar();
    for day in DayRange::ending(Day::of(now, Tz::UTC), DAYS).days() {
        let end = day.next().start(Tz::UTC) - TimeDelta::milliseconds(1);
        clock.set(end.min(now));
        let events = day::events(day, now);
        for batch in events.chunks(BATCH) {
            door.send(Method::POST, "/v1/events", &Value::from(batch)).await?;
        }
        progress.inc(1);
    }
    progress.set_message("adding up");
    stack.drain().await;
    progress.finish_and_clear();
    Ok(())
}

/// The way in, for someone of the demo organisation.
struct Door {
    gateway: Gateway,
    token: String,
}

impl Door {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<()> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|error| Error::caused("a request of the demo", error))?;
        let answer = self.gateway.call(request).await;
        let body = answer.body();
        let refused =
            serde_json::from_slice::<Value>(body).ok().and_then(|body| body.get("rejected").cloned());
        if answer.status().is_success() && refused.is_none_or(|refused| refused == Value::Array(Vec::new())) {
            return Ok(());
        }
        Err(Error::new(format!(
            "the demo's {path} was answered {}: {}",
            answer.status(),
            String::from_utf8_lossy(body)
        )))
    }
}

fn progress_bar() -> ProgressBar {
    // Hidden by itself where no terminal looks.
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} days");
    let bar = ProgressBar::new(DAYS.into()).with_message("loading the demo");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// `instant` as events write it.
fn written(instant: DateTime<Utc>) -> String {
    ledger::period::sortable(instant)
}
