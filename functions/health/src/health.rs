//! `GET /v1/health`: whether events are added up. It asks for no token and tells nothing of any organisation.

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

/// How long an answer is given again: who needs no token could else run up read units.
pub const FRESH: Duration = Duration::from_secs(5);

/// How long the tables may take: less than the function itself has, so that it can still say so.
const PATIENCE: Duration = Duration::from_secs(5);

/// The route of this endpoint.
pub fn route() -> Route {
    let last = Arc::new(Mutex::new(None));
    Route::public("/v1/health", move |State(app): State<App>| {
        let last = last.clone();
        async move { answer(&app, &last).await.map(Json) }
    })
}

/// How the system is.
#[derive(Clone, Debug, Serialize)]
pub struct Response {
    status: Verdict,
    /// The version of this code.
    version: &'static str,
    /// The events are spread over these; each is added up by itself.
    lanes: Vec<Lane>,
    quarantine: Quarantine,
}

/// Whether somebody has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// Everything that came can be added up. A lane without news may just have had no events.
    Ok,
    /// There are records in the quarantine, whose events are not in the figures.
    Degraded,
}

/// How far a lane has been added up.
#[derive(Clone, Debug, Serialize)]
struct Lane {
    /// From 0.
    lane: u8,
    /// When the newest event that is in the sums arrived, give or take the ten seconds in which it is not noted anew.
    newest_aggregated_at: Option<String>,
    /// The time since then, in seconds with three decimals; 0 where the clocks of two machines disagree.
    age_seconds: Option<Number>,
}

/// Records that could not be understood.
#[derive(Clone, Debug, Serialize)]
struct Quarantine {
    count: u64,
    /// When the oldest of them came, of those that tell.
    oldest_at: Option<String>,
}

/// The last answer where it is fresh, else a new one. Who asks meanwhile waits for that one.
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

/// Whatever keeps the tables from being read, and for however long: the system is not available.
async fn read(app: &App) -> Result<Status> {
    match timeout(PATIENCE, app.store.status()).await {
        Ok(Err(store::Error::Internal(why))) => Err(Error::Unavailable(why)),
        Ok(status) => Ok(status?),
        Err(_) => Err(Error::Unavailable("the tables do not answer".to_owned())),
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
            status: if status.quarantine.count == 0 { Verdict::Ok } else { Verdict::Degraded },
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
    use store::quarantine::Summary;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        period::parse_instant(text).unwrap()
    }

    #[test]
    fn ages_are_exact_and_never_negative() {
        let newest = [
            Some(at("2026-09-15T11:59:47.655Z")),
            Some(at("2026-09-15T12:00:00.001Z")),
            None,
            Some(at("2026-09-15T12:00:00Z")),
        ];
        let status = Status { newest, quarantine: Summary::default() };
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
    fn one_record_in_the_quarantine_is_one_too_many() {
        let quarantine = Summary { count: 1, oldest: None };
        let response = Response::new(&Status { newest: [None; 4], quarantine }, at("2026-09-15T12:00:00Z"));
        assert_eq!(response.status, Verdict::Degraded);
    }
}
