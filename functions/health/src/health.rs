//! `GET /v1/health`: how far aggregation has got. Public, and shows nothing of any organization.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use ledger::money::Number;
use ledger::period;
use rust_decimal::Decimal;
use serde::Serialize;
use store::status::Status;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use web::app::App;
use web::error::{Error, Result};
use web::route::Route;

/// How long a response is reused. The route is public, so without reuse anyone could run up read units.
pub const FRESH: Duration = Duration::from_secs(5);

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
    /// Events are spread over lanes, each aggregated separately.
    lanes: Vec<Lane>,
    quarantine: Quarantine,
}

/// Whether an operator has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    /// Every record could be aggregated. A lane without news may just have had no events.
    Ok,
    /// Records are in quarantine; their events are missing from the figures.
    Degraded,
}

/// How far a lane has been aggregated.
#[derive(Clone, Debug, Serialize)]
struct Lane {
    /// From 0.
    lane: u8,
    /// Arrival of the newest aggregated event, accurate to ten seconds, the interval at which it is noted.
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
    match timeout(READ_TIMEOUT, app.store.status()).await {
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
            age_seconds: newest
                .map(|newest| Number(Decimal::new((now - newest).num_milliseconds().max(0), 3))),
        });
        Self {
            status: if status.quarantine.count == 0 { HealthStatus::Ok } else { HealthStatus::Degraded },
            version: env!("CARGO_PKG_VERSION"),
            lanes: lanes.collect(),
            quarantine: Quarantine {
                count: status.quarantine.count,
                oldest_at: status.quarantine.oldest.map(period::rfc3339),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::quarantine::QuarantineSummary;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        period::parse_instant(text).unwrap()
    }

    #[test]
    fn lane_ages_are_exact_and_never_negative() {
        let newest = [
            Some(at("2026-09-15T11:59:47.655Z")),
            Some(at("2026-09-15T12:00:00.001Z")),
            None,
            Some(at("2026-09-15T12:00:00Z")),
        ];
        let status = Status { newest, quarantine: QuarantineSummary::default() };
        let response = serde_json::to_value(Response::new(&status, at("2026-09-15T12:00:00Z"))).unwrap();
        assert_eq!(
            response,
            json!({
                "status": "ok",
                "version": env!("CARGO_PKG_VERSION"),
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
    fn one_quarantined_record_makes_the_status_degraded() {
        let quarantine = QuarantineSummary { count: 1, oldest: None };
        let response = Response::new(&Status { newest: [None; 4], quarantine }, at("2026-09-15T12:00:00Z"));
        assert_eq!(response.status, HealthStatus::Degraded);
    }
}
