//! `GET /api/agents/workforce/trends`: the fleet month by month.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono_tz::Tz;
use futures::try_join;
use ledger::calendar::Calendar;
use ledger::money::Number;
use ledger::period::{Day, DayRange, Month};
use ledger::rollup::OrgDay;
use ledger::roster::Agent;
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::{FromQuery, Query, QueryReader};

use crate::roi::mean_ms;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/agents/workforce/trends", Scope::WorkforceRead, handle).with_figures()
}

/// `months`: number of months, the current one included; 1 to 24, default 6.
pub struct Params {
    months: u32,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        Self { months: query.integer("months", 1..=24, 6) }
    }
}

#[derive(Debug, Serialize)]
pub struct Response {
    months: u32,
    /// Oldest first, every month included.
    trends: Vec<Trend>,
}

#[derive(Debug, Serialize)]
struct Trend {
    /// `yyyy-mm` in the organization's zone.
    period: String,
    /// Successful tasks.
    tasks_completed: u64,
    invocations: u64,
    total_tokens: u64,
    total_cost: Number,
    /// Failed calls and tasks.
    errors: u64,
    /// Over the calls that reported a latency.
    avg_response_ms: Number,
    /// Agents that made a call or finished a task.
    active_agents: usize,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let (now, window) = (app.clock.now(), window(params.months));
    let range = |zone| window(Day::of(now, zone));
    let days = app
        .tables
        .registry
        .fetch_in_zone(&caller.org, range, |of, days| app.tables.usage.org_days(&caller.org, of, days));
    let ((Calendar { zone, .. }, days), agents) = try_join!(days, app.tables.registry.agents(&caller.org))?;
    Ok(Json(Response { months: params.months, trends: trends(range(zone), zone, days, &agents) }))
}

/// The last `months` months up to today.
fn window(months: u32) -> impl Fn(Day) -> DayRange {
    move |today| DayRange { first: today.month().minus(months - 1).first(), last: today }
}

fn trends(window: DayRange, zone: Tz, days: BTreeMap<Day, OrgDay>, agents: &[Agent]) -> Vec<Trend> {
    let mut months: BTreeMap<Month, OrgDay> =
        window.by_month().map(|(month, _)| (month, OrgDay::default())).collect();
    for (day, sums) in days.into_iter().filter(|(day, _)| window.contains(*day)) {
        if let Some(month) = months.get_mut(&day.month()) {
            month.merge(sums);
        }
    }
    months.into_iter().map(|(month, sums)| trend(month, zone, &sums, agents)).collect()
}

fn trend(month: Month, zone: Tz, sums: &OrgDay, agents: &[Agent]) -> Trend {
    let (total, work) = (sums.total(), sums.work);
    let seen = agents.iter().filter_map(|agent| agent.seen.as_ref());
    Trend {
        period: month.to_string(),
        tasks_completed: work.tasks,
        invocations: total.requests,
        total_tokens: total.tokens.total(),
        total_cost: Number::usd(total.cost()),
        errors: total.errors + work.tasks_failed,
        avg_response_ms: mean_ms(work.latency_sum_ms, work.latency_count),
        active_agents: seen.filter(|seen| seen.months.contains(month, zone)).count(),
        unpriced_requests: total.unpriced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_starts_with_a_month_and_ends_today() {
        let ends = |today: &str, months| {
            let window = window(months)(Day::parse(today).unwrap());
            (window.first.to_string(), window.last.to_string())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(ends("2026-03-31", 1), pair("2026-03-01", "2026-03-31"));
        assert_eq!(ends("2026-03-31", 2), pair("2026-02-01", "2026-03-31"));
        assert_eq!(ends("2024-02-29", 24), pair("2022-03-01", "2024-02-29"));
        assert_eq!(ends("2026-01-01", 6), pair("2025-08-01", "2026-01-01"));
    }
}
