//! The demo organization's registry entries.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::period::sortable;
use serde_json::{Value, json};

use super::fleet::{AGENTS, Agent, PROJECTS};

/// The paths and bodies to PUT.
pub fn all(now: DateTime<Utc>) -> Vec<(String, Value)> {
    let mut all = vec![
        ("/api/organization".to_owned(), json!({ "name": "Demo Company", "timezone": "UTC" })),
        ("/api/budget".to_owned(), json!({ "monthly": 400, "thresholds": [50, 80, 100], "forecast": true })),
        ("/v1/billing/subscription".to_owned(), subscription(now)),
    ];
    all.extend(AGENTS.iter().map(|one| (format!("/api/agents/{}", one.id), agent(one))));
    all.extend(PROJECTS.iter().map(|one| (format!("/api/projects/{}", one.id), json!({ "name": one.name }))));
    all
}

fn agent(agent: &Agent) -> Value {
    json!({
        "name": agent.name,
        "status": agent.status,
        "category": agent.category,
        "department": agent.department,
        "role_title": agent.role,
        "model_provider": agent.models[0].provider,
        "model_name": agent.models[0].model,
        "human_equivalent_salary": agent.salary,
        "estimated_hours_saved": agent.hours,
        "cost_budget_monthly": agent.budget,
    })
}

/// A plan on trial with five days left.
fn subscription(now: DateTime<Utc>) -> Value {
    json!({
        "plan_name": "Team",
        "product_name": "Fleetledger",
        "status": "trialing",
        "tier_id": "tier-team",
        "tier_slug": "team",
        "billing_cycle": "monthly",
        "price_cents": 4900,
        "token_allowance": 200_000_000,
        "api_call_limit": 10_000,
        "conversation_limit": 1_000,
        "instance_limit": 10,
        "max_sites_per_node": 25,
        "current_period_start": sortable(now - TimeDelta::days(9)),
        "current_period_end": sortable(now + TimeDelta::days(21)),
        "trial_ends_at": sortable(now + TimeDelta::days(5)),
        "subscribed_tier_ids": ["tier-team"],
    })
}
