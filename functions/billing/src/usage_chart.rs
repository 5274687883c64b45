//! `GET /v1/billing/usage/chart`: daily usage of the organization or of one agent, with a point for every day.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::{AgentId, OrgId};
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentModelFigures, ModelFigures};
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::{Error, Result};
use web::query::{FromQuery, Query, QueryReader};

use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/v1/billing/usage/chart", Scope::BillingRead, handle).with_figures()
}

struct Params {
    /// Number of days, today included: 1 to 365, default 30.
    days: u32,
    /// Only this agent.
    instance_id: Option<AgentId>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let days = query.integer("days", 1..=365, 30);
        let instance_id = query.id("instance_id");
        Self { days, instance_id }
    }
}

#[derive(Debug, Serialize)]
pub struct Response {
    period_label: String,
    /// Every day, oldest first.
    points: Vec<Point>,
    /// Calls without a price, over all days. If there are any, the costs are lower bounds.
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
struct Point {
    cost_usd: Usd,
    /// `yyyy-mm-dd` in the organization's time zone.
    date: String,
    requests: u64,
    tokens: u64,
    unpriced_requests: u64,
}

/// One day's usage.
#[derive(Clone, Copy, Default)]
struct Used {
    cost: Usd,
    requests: u64,
    tokens: u64,
    unpriced: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<Response>> {
    let (days, used) = match &params.instance_id {
        None => of_all(&app, &caller.org, params.days).await?,
        Some(agent) => of_agent(&app, &caller.org, agent, params.days).await?,
    };
    let point = |day| {
        let used = used.get(&day).copied().unwrap_or_default();
        Point {
            cost_usd: used.cost,
            date: day.to_string(),
            requests: used.requests,
            tokens: used.tokens,
            unpriced_requests: used.unpriced,
        }
    };
    let points: Vec<_> = days.days().map(point).collect();
    let unpriced_requests = points.iter().map(|point| point.unpriced_requests).sum();
    Ok(Json(Response { period_label: label(params.days), points, unpriced_requests }))
}

type ByDay = BTreeMap<Day, Used>;

async fn of_all(app: &App, org: &OrgId, days: u32) -> Result<(DayRange, ByDay)> {
    let range = |today| DayRange::ending(today, days);
    let (range, found) = app
        .tables
        .registry
        .fetch_days(org, app.clock.now(), range, |of, days| app.tables.usage.org_days(org, of, days))
        .await?;
    Ok((range, found.into_iter().map(|(day, sums)| (day, sums.total().into())).collect()))
}

async fn of_agent(app: &App, org: &OrgId, agent: &AgentId, days: u32) -> Result<(DayRange, ByDay)> {
    let range = |today| DayRange::ending(today, days);
    let found = app.tables.registry.fetch_days(org, app.clock.now(), range, |of, days| {
        app.tables.usage.agent_totals_of(org, of, agent, days)
    });
    let ((range, found), known) = try_join!(found, app.tables.registry.agent(org, agent))?;
    // As in a roster, usage alone makes an agent known.
    if known.is_none() && found.is_empty() {
        return Err(Error::NotFound("Instance not found"));
    }
    Ok((range, found.into_iter().map(|(day, total)| (day, total.into())).collect()))
}

impl From<ModelFigures> for Used {
    fn from(sums: ModelFigures) -> Self {
        Self {
            cost: sums.cost(),
            requests: sums.requests,
            tokens: sums.tokens.total(),
            unpriced: sums.unpriced,
        }
    }
}

impl From<AgentModelFigures> for Used {
    fn from(sums: AgentModelFigures) -> Self {
        Self {
            cost: sums.cost,
            requests: sums.requests,
            tokens: sums.tokens.total(),
            unpriced: sums.unpriced,
        }
    }
}

fn label(days: u32) -> String {
    if days == 1 { "Last 1 day".to_owned() } else { format!("Last {days} days") }
}
