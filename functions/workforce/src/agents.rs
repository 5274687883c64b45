//! `GET /api/agents/workforce/agents`: each agent's cost this month compared with the value of its work, by id.
//!
//! The rows add up to `/summary`. Unset values are an empty text or 0, except that an unset model is the one that the
//! agent called most this month. The response is a bare list, so the next page's cursor is in `x-next-cursor`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use futures::try_join;
use http::HeaderMap;
use ledger::ids::{AgentId, ModelKey};
use ledger::money::Number;
use ledger::period::{Day, DayRange, Windows};
use ledger::rollup::{AgentModelFigures, ModelCode};
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::member::{self, Member};
use crate::roi::{MonthSoFar, SavedBasis, mean_ms};
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/agents/workforce/agents", Scope::WorkforceRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Row {
    id: AgentId,
    /// The registered name, else the id.
    name: String,
    status: &'static str,
    category: String,
    /// `Unassigned` if there is none.
    department: String,
    role_title: String,
    model_provider: String,
    model_name: String,
    /// Per year.
    human_equivalent_salary: Number,
    /// As registered, per month.
    estimated_hours_saved: Number,
    /// As its tasks reported this month, else the estimate.
    hours_saved: Number,
    hours_saved_basis: SavedBasis,
    actual_cost_monthly: Number,
    cost_budget_monthly: Number,
    /// Successful tasks.
    tasks_completed: u64,
    invocation_count: u64,
    /// Failed calls and tasks.
    error_count: u64,
    /// Over the calls that reported a latency.
    avg_response_ms: Number,
    monthly_human_equivalent: Number,
    monthly_savings: Number,
    human_equivalent_to_date: Number,
    savings_to_date: Number,
    roi_percent: Number,
    cost_per_task: Number,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageRequest>,
) -> Result<impl IntoResponse> {
    let (org, tables) = (&caller.org, &app.tables);
    let fetch = |of, windows: Windows| async move {
        try_join!(
            tables.usage.agents_over(org, of, &windows),
            // An agent's days identify models by code; the organization's days have the names.
            tables.usage.org_days(org, of, windows.days())
        )
    };
    let days = Box::pin(tables.registry.fetch_windows(org, app.clock.now(), member::so_far, fetch));
    let ((month, ((days, calls), org_days)), agents) = try_join!(days, tables.registry.agents(org))?;
    let calls = calls_by_model(month, calls);
    let models = org_days.into_values().flat_map(|day| day.models.into_keys());
    let models: BTreeMap<_, _> = models.map(|model| (ModelCode::of(&model), model)).collect();
    let members = member::members(month, days, agents);
    let place = |member: &Member| Place::by_id(member.agent.id.as_str());
    let so_far = MonthSoFar::new(month);
    let most_called = |member: &Member| most_called(calls.get(&member.agent.id)?, &models);
    let page = page.of(members, place, |member| {
        let model = most_called(&member);
        row(member, model, so_far)
    })?;
    let next: HeaderMap = page.next_header().into_iter().collect();
    Ok((next, Json(page.rows)))
}

/// The calls of a month by agent and model.
fn calls_by_model(
    month: DayRange,
    calls: Vec<(Day, AgentId, ModelCode, AgentModelFigures)>,
) -> BTreeMap<AgentId, BTreeMap<ModelCode, u64>> {
    let mut by_agent: BTreeMap<AgentId, BTreeMap<ModelCode, u64>> = BTreeMap::new();
    for (_, agent, code, figures) in calls.into_iter().filter(|(day, ..)| month.contains(*day)) {
        *by_agent.entry(agent).or_default().entry(code).or_default() += figures.requests;
    }
    by_agent
}

fn row(member: Member, most_called: Option<&ModelKey>, so_far: MonthSoFar) -> Row {
    let (roi, total, work) = (member.roi(), member.calls, member.work);
    let settings = member.settings();
    let (model_provider, model_name) = match (settings.model_provider, settings.model_name) {
        (provider, Some(model)) => (provider.unwrap_or_default(), model),
        (provider, None) => match most_called {
            Some(model) => (model.provider.clone(), model.model.clone()),
            None => (provider.unwrap_or_default(), String::new()),
        },
    };
    Row {
        name: settings.name.unwrap_or_else(|| member.agent.id.to_string()),
        status: member.agent.status().as_str(),
        category: settings.category.unwrap_or_default(),
        department: member.department(),
        role_title: settings.role_title.unwrap_or_default(),
        model_provider,
        model_name,
        human_equivalent_salary: Number::usd(roi.salary),
        estimated_hours_saved: Number(settings.estimated_hours_saved.unwrap_or_default().0),
        hours_saved: member.saved().hours(),
        hours_saved_basis: member.saved_basis(),
        actual_cost_monthly: Number::usd(roi.cost),
        cost_budget_monthly: Number::usd(settings.cost_budget_monthly.unwrap_or_default()),
        tasks_completed: work.tasks,
        invocation_count: total.requests,
        error_count: member.errors(),
        avg_response_ms: mean_ms(work.latency_sum_ms, work.latency_count),
        monthly_human_equivalent: roi.human_equivalent(),
        monthly_savings: roi.savings(),
        human_equivalent_to_date: roi.human_equivalent_to_date(so_far),
        savings_to_date: roi.savings_to_date(so_far),
        roi_percent: roi.percent(),
        cost_per_task: roi.cost_per_task(work.tasks),
        unpriced_requests: total.unpriced,
        id: member.agent.id,
    }
}

/// The most called model; among equals the first by provider and name.
fn most_called<'a>(
    calls: &BTreeMap<ModelCode, u64>,
    models: &'a BTreeMap<ModelCode, ModelKey>,
) -> Option<&'a ModelKey> {
    let called = calls.iter().filter_map(|(code, requests)| Some((*requests, models.get(code)?)));
    called.max_by_key(|(requests, model)| (*requests, Reverse(*model))).map(|(_, model)| model)
}
