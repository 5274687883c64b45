//! `GET /api/agents/workforce/summary`: what the fleet has cost this month beside what it is worth.
//!
//! The month is the current one of the organisation's calendar, its cost so far. An agent that was archived counts as
//! long as it has worked this month, so that the cost is the one that every other endpoint gives.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::money::{Number, Usd};
use ledger::settings::AgentStatus;
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::month::{self, Member};
use crate::roi::{Roi, Saved};

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/api/agents/workforce/summary", Scope::WorkforceRead, handle)
}

/// The fleet's month.
#[derive(Debug, Serialize)]
pub struct Response {
    total_agents: usize,
    /// Whose status is `online`.
    active_agents: usize,
    paused_agents: usize,
    draft_agents: usize,
    /// What people would earn in a year.
    total_human_salary: Number,
    total_agent_cost_monthly: Number,
    /// The sum of the agents' own budgets.
    total_budget_monthly: Number,
    total_hours_saved_monthly: Number,
    /// Tasks that reached their goal.
    total_tasks_completed: u64,
    total_invocations: u64,
    /// Calls and tasks that failed.
    total_errors: u64,
    monthly_human_equivalent: Number,
    monthly_savings: Number,
    /// The savings in percent of the cost.
    roi_percent: Number,
    /// By savings, most first; then by name.
    departments: Vec<Department>,
    unpriced_requests: u64,
}

/// A department.
#[derive(Debug, Serialize)]
struct Department {
    /// `Unassigned` for agents without one.
    department: String,
    agent_count: usize,
    monthly_savings: Number,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let days = app.over(&caller.org, month::so_far, |days| app.store.agent_days(&caller.org, days));
    let ((month, days), agents) = try_join!(days, app.store.agents(&caller.org))?;
    Ok(Json(summary(&month::members(month, days, agents))))
}

fn summary(members: &[Member]) -> Response {
    let (mut roi, mut saved, mut budget) = (Roi::default(), Saved::default(), Usd::ZERO);
    for member in members {
        roi.add(member.roi());
        saved.add(member.saved());
        budget += member.settings().cost_budget_monthly.unwrap_or_default();
    }
    let with = |status| members.iter().filter(|member| member.agent.status() == status).count();
    let sum = |of: fn(&Member) -> u64| members.iter().map(of).sum();
    Response {
        total_agents: members.len(),
        active_agents: with(AgentStatus::Online),
        paused_agents: with(AgentStatus::Paused),
        draft_agents: with(AgentStatus::Draft),
        total_human_salary: Number::usd(roi.salary),
        total_agent_cost_monthly: Number::usd(roi.cost),
        total_budget_monthly: Number::usd(budget),
        total_hours_saved_monthly: saved.hours(),
        total_tasks_completed: sum(|member| member.done.work.tasks),
        total_invocations: sum(|member| member.done.total().requests),
        total_errors: sum(Member::errors),
        monthly_human_equivalent: roi.human_equivalent(),
        monthly_savings: roi.savings(),
        roi_percent: roi.percent(),
        departments: departments(members),
        unpriced_requests: sum(|member| member.done.total().unpriced),
    }
}

fn departments(members: &[Member]) -> Vec<Department> {
    let mut by_name: BTreeMap<String, (usize, Roi)> = BTreeMap::new();
    for member in members {
        let (count, roi) = by_name.entry(member.department()).or_default();
        *count += 1;
        roi.add(member.roi());
    }
    let mut all: Vec<_> = by_name.into_iter().collect();
    // Stable: departments that save as much stay in the order of their names.
    all.sort_by_key(|(_, (_, roi))| Reverse(roi.savings_times_twelve()));
    let department = |(department, (agent_count, roi)): (String, (usize, Roi))| Department {
        department,
        agent_count,
        monthly_savings: roi.savings(),
    };
    all.into_iter().map(department).collect()
}
