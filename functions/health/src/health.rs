//! `GET /v1/health`: how far aggregation is behind. It is public, and shows nothing about any organization.
//!
//! Anything that keeps figures from being written, such as a full disk or a throttled table, keeps records of the
//! stream waiting, which shows here. A quarantined record delays nothing and belongs to one organization, so it does
//! not degrade the service for all.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use ledger::money::Number;
use ledger::period;
use rust_decimal::Decimal;
use serde::Serialize;
use store::completeness::{Backlog, Completeness};
use store::status::Status;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use web::error::{Error, Result};

use crate::{App, Route};

/// How long a response is reused. The route is public, so without reuse anyone could run up read units.
pub const FRESH: Duration = Duration::from_secs(5);

/// The lag above which the service is degraded. Batches are delivered after a minute at the latest, and the lag is
/// measured once a minute.
pub const MAX_LAG: TimeDelta = TimeDelta::minutes(5);

/// Time limit for reading the tables: less than the function's timeout, so that it can still respond.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

pub fn route() -> Route {
    let last = Arc::new(Mutex::new(None));
    Route::public("/v1/health", move |State(app): State<App>| {
        let last = last.clone();
        async move { answer(&app, &last).await.map(Json) }
    })
}

#[derive(Clone, Debug, Serialize)]
pub struct Response {
    status: HealthStatus,
    /// Version of the running code.
    version: &'static str,
    aggregation: Aggregation,
    /// Events are spread over lanes, each aggregated separately.
    lanes: Vec<Lane>,
    quarantine: Quarantine,
}

/// Whether an operator has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    /// Events are counted as soon as they should be.
    Ok,
    /// Events have been waiting for too long, or the lag was not measured.
    Degraded,
}

/// How far aggregation is behind.
#[derive(Clone, Debug, Serialize)]
struct Aggregation {
    /// How long the oldest event that is not counted has waited, with three decimals; 0 if none waits. Null if that was
    /// not measured within the last five minutes.
    lag_seconds: Option<Number>,
    /// When that event was stored.
    oldest_waiting_at: Option<String>,
    /// Every event that was accepted before this instant is counted, except for organizations with dirty days.
    complete_through: Option<String>,
    measured_at: Option<String>,
}

/// How far a lane has been aggregated.
#[derive(Clone, Debug, Serialize)]
struct Lane {
    /// From 0.
    lane: u8,
    /// Arrival of the newest aggregated event, accurate to ten seconds, the interval at which it is stored.
    newest_aggregated_at: Option<String>,
    /// Seconds since then, with three decimals; 0 if clocks disagree.
    age_seconds: Option<Number>,
}

/// Records that could not be parsed.
#[derive(Clone, Debug, Serialize)]
struct Quarantine {
    count: u64,
    /// Arrival of the oldest record whose arrival is known.
    oldest_at: Option<String>,
}

/// The last response if it is fresh, else a new one. Concurrent requests wait for the new one.
async fn answer(app: &App, last: &Mutex<Option<(Instant, Response)>>) -> Result<Response> {
    let mut last = last.lock().await;
    if let Some((_, response)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        return Ok(response.clone());
    }
    let status = read(app).await?;
    let response = Response::new(&status, app.clock.now());
    *last = Some((Instant::now(), response.clone()));
    Ok(response)
}

/// Any failure to read the tables, a timeout included, makes the service unavailable.
async fn read(app: &App) -> Result<Status> {
    match timeout(READ_TIMEOUT, app.tables.usage.status()).await {
        Ok(Err(store::Error::Internal(why))) => Err(Error::Unavailable(why)),
        Ok(status) => Ok(status?),
        Err(_) => Err(Error::Unavailable("the tables do not respond".to_owned())),
    }
}

impl Response {
    fn new(status: &Status, now: DateTime<Utc>) -> Self {
        let lanes = (0..).zip(status.newest).map(|(lane, newest)| Lane {
            lane,
            newest_aggregated_at: newest.map(period::rfc3339),
            age_seconds: newest.map(|newest| seconds(now - newest)),
        });
        let lag = lag(&status.completeness, now);
        // Before the first run nothing has been measured. An alarm goes off if there are no runs.
        let is_measured = status.completeness.backlog().is_none() || lag.is_some();
        let is_late = lag.is_some_and(|lag| lag > MAX_LAG);
        let oldest = status.completeness.backlog().and_then(|backlog| backlog.oldest);
        Self {
            status: if is_measured && !is_late { HealthStatus::Ok } else { HealthStatus::Degraded },
            version: env!("CARGO_PKG_VERSION"),
            aggregation: Aggregation {
                lag_seconds: lag.map(seconds),
                oldest_waiting_at: oldest.map(period::rfc3339),
                complete_through: status.completeness.through().map(period::rfc3339),
                measured_at: status.completeness.backlog().map(|backlog| period::rfc3339(backlog.measured)),
            },
            lanes: lanes.collect(),
            quarantine: Quarantine {
                count: status.quarantine.count,
                oldest_at: status.quarantine.oldest.map(period::rfc3339),
            },
        }
    }
}

/// How long the oldest event has waited, or `None` if that is not known or was measured too long ago.
fn lag(completeness: &Completeness, now: DateTime<Utc>) -> Option<TimeDelta> {
    let Backlog { measured, oldest } = completeness.backlog()?;
    // An event that waited then may have been counted since, but one that waited for longer than the limit most likely
    // still waits.
    (now - measured <= MAX_LAG).then(|| oldest.map_or(TimeDelta::zero(), |oldest| now - oldest))
}

fn seconds(elapsed: TimeDelta) -> Number {
    Number(Decimal::new(elapsed.num_milliseconds().max(0), 3))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use store::quarantine::QuarantineSummary;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        period::parse_instant(text).unwrap()
    }

    fn now() -> DateTime<Utc> {
        at("2026-09-15T12:00:00Z")
    }

    fn shown(newest: [Option<DateTime<Utc>>; 4], completeness: Completeness, quarantined: u64) -> Value {
        let quarantine = QuarantineSummary { count: quarantined, oldest: None };
        serde_json::to_value(Response::new(&Status { newest, completeness, quarantine }, now())).unwrap()
    }

    /// The status and lag after a run that was `measured` some seconds ago found an event as old as `oldest`.
    fn found(measured: i64, oldest: Option<i64>) -> (Value, Value) {
        let ago = |seconds| now() - TimeDelta::seconds(seconds);
        let backlog = Backlog { measured: ago(measured), oldest: oldest.map(ago) };
        let mut shown = shown([None; 4], Completeness::default().with_backlog(backlog), 0);
        (shown["status"].take(), shown["aggregation"]["lag_seconds"].take())
    }

    #[test]
    fn lane_ages_are_exact_and_never_negative() {
        let newest = [
            Some(at("2026-09-15T11:59:47.655Z")),
            Some(at("2026-09-15T12:00:00.001Z")),
            None,
            Some(at("2026-09-15T12:00:00Z")),
        ];
        assert_eq!(
            shown(newest, Completeness::default(), 0),
            json!({
                "status": "ok",
                "version": env!("CARGO_PKG_VERSION"),
                "aggregation": {
                    "lag_seconds": null, "oldest_waiting_at": null, "complete_through": null, "measured_at": null,
                },
                "lanes": [
                    { "lane": 0, "newest_aggregated_at": "2026-09-15T11:59:47.655Z", "age_seconds": 12.345 },
                    { "lane": 1, "newest_aggregated_at": "2026-09-15T12:00:00.001Z", "age_seconds": 0 },
                    { "lane": 2, "newest_aggregated_at": null, "age_seconds": null },
                    { "lane": 3, "newest_aggregated_at": "2026-09-15T12:00:00Z", "age_seconds": 0 },
                ],
                "quarantine": { "count": 0, "oldest_at": null },
            })
        );
    }

    #[test]
    fn the_lag_is_how_long_the_oldest_event_has_waited() {
        let of = |status: &str, lag: Value| (json!(status), lag);
        // Idle, for however long.
        assert_eq!(found(60, None), of("ok", json!(0)));
        assert_eq!(found(60, Some(120)), of("ok", json!(120)));
        assert_eq!(found(60, Some(300)), of("ok", json!(300)));
        assert_eq!(found(60, Some(301)), of("degraded", json!(301)));
        assert_eq!(found(300, None), of("ok", json!(0)));
        assert_eq!(found(301, None), of("degraded", Value::Null));
        // Clocks disagree.
        assert_eq!(found(-1, Some(-1)), of("ok", json!(0)));
    }

    #[test]
    fn quarantined_records_are_counted_and_degrade_nothing() {
        let shown = shown([None; 4], Completeness::default(), 1);
        assert_eq!((&shown["status"], &shown["quarantine"]["count"]), (&json!("ok"), &json!(1)));
    }
}
