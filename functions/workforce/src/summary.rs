//! `GET /api/agents/workforce/summary`: the fleet's cost this month, compared with the value of its work.
//!
//! Covers the current calendar month in the organization's zone, up to now. An archived agent counts if it worked
//! this month, so that the cost agrees with every other endpoint.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::money::{Number, Usd};
use ledger::settings::AgentStatus;
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::member::{self, Member};
use crate::roi::{MonthSoFar, Roi, TimeSaved};
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/agents/workforce/summary", Scope::WorkforceRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    total_agents: usize,
    /// Agents with the status `online`.
    active_agents: usize,
    /// Agents that made a call or finished a task this month, as `active_agents` counts them in `/trends`.
    working_agents: usize,
    paused_agents: usize,
    draft_agents: usize,
    /// What people would earn in a year.
    total_human_salary: Number,
    total_agent_cost_monthly: Number,
    /// The sum of the agents' own budgets.
    total_budget_monthly: Number,
    total_hours_saved_monthly: Number,
    /// Successful tasks.
    total_tasks_completed: u64,
    total_invocations: u64,
    /// Failed calls and tasks.
    total_errors: u64,
    monthly_human_equivalent: Number,
    monthly_savings: Number,
    /// The salaries for the days so far.
    human_equivalent_to_date: Number,
    savings_to_date: Number,
    /// Savings in percent of the cost.
    roi_percent: Number,
    /// Largest savings first, then by name.
    departments: Vec<Department>,
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
struct Department {
    /// `Unassigned` for agents without a department.
    department: String,
    agent_count: usize,
    monthly_savings: Number,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let (org, tables) = (&caller.org, &app.tables);
    let fetch = |of, windows| async move { tables.usage.agent_totals_over(org, of, &windows).await };
    let days = tables.registry.fetch_windows(org, app.clock.now(), member::so_far, fetch);
    let ((month, days), agents) = try_join!(days, tables.registry.agents(org))?;
    Ok(Json(summary(&member::members(month, days, agents), MonthSoFar::new(month))))
}

fn summary(members: &[Member], so_far: MonthSoFar) -> Response {
    let (mut roi, mut saved, mut budget) = (Roi::default(), TimeSaved::default(), Usd::ZERO);
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
        working_agents: members.iter().filter(|member| member.worked()).count(),
        paused_agents: with(AgentStatus::Paused),
        draft_agents: with(AgentStatus::Draft),
        total_human_salary: Number::usd(roi.salary),
        total_agent_cost_monthly: Number::usd(roi.cost),
        total_budget_monthly: Number::usd(budget),
        total_hours_saved_monthly: saved.hours(),
        total_tasks_completed: sum(|member| member.work.tasks),
        total_invocations: sum(|member| member.calls.requests),
        total_errors: sum(Member::errors),
        monthly_human_equivalent: roi.human_equivalent(),
        monthly_savings: roi.savings(),
        human_equivalent_to_date: roi.human_equivalent_to_date(so_far),
        savings_to_date: roi.savings_to_date(so_far),
        roi_percent: roi.percent(),
        departments: departments(members),
        unpriced_requests: sum(|member| member.calls.unpriced),
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
    // The sort is stable: departments with equal savings stay ordered by name.
    all.sort_by_key(|(_, (_, roi))| Reverse(roi.savings_times_twelve()));
    let department = |(department, (agent_count, roi)): (String, (usize, Roi))| Department {
        department,
        agent_count,
        monthly_savings: roi.savings(),
    };
    all.into_iter().map(department).collect()
}
