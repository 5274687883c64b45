//! `GET /v1/billing`: the current plan and the usage of its current period.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use futures::try_join;
use ledger::money::Usd;
use ledger::period::rfc3339;
use ledger::rollup::OrgDay;
use serde::Serialize;
use store::registry::Node;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::account::Account;
use crate::trial;
use crate::{App, Route};

/// How long a node counts as alive after its last report.
const NODE_ALIVE: TimeDelta = TimeDelta::hours(24);

pub fn route() -> Route {
    Route::get("/v1/billing", Scope::BillingRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    plan: Plan,
    subscribed_tier_ids: Vec<String>,
    usage: Usage,
}

/// The plan. Unset texts are empty.
#[derive(Debug, Serialize)]
struct Plan {
    api_call_limit: u64,
    billing_cycle: &'static str,
    conversation_limit: u64,
    current_period_end: String,
    current_period_start: String,
    instance_limit: u64,
    max_sites_per_node: u64,
    plan_name: String,
    price_cents: u64,
    product_name: String,
    status: &'static str,
    tier_id: String,
    tier_slug: String,
    token_allowance: u64,
    /// A day that has begun counts as a day.
    trial_days_remaining: i64,
    trial_ends_at: String,
}

/// Usage of the current period beside the plan's limits.
#[derive(Debug, Serialize)]
struct Usage {
    /// Agents with at least one call.
    active_instances: usize,
    api_call_limit: u64,
    conversation_limit: u64,
    instance_limit: u64,
    max_sites_per_node: u64,
    /// The part of the cost incurred on the platform's own provider keys.
    platform_cost_usd: Usd,
    token_allowance: u64,
    total_cost_usd: Usd,
    /// Sum of the latest reports of nodes that are alive.
    total_hosted_sites: u64,
    total_requests: u64,
    total_tokens: u64,
    unique_end_users: usize,
    /// Calls without a price. If there are any, the costs are lower bounds.
    unpriced_requests: u64,
    /// Nodes that reported within the last 24 hours.
    webhost_nodes: usize,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let (org, tables) = (&caller.org, &app.tables);
    let (account, nodes) = try_join!(Account::read(&app, org), tables.registry.nodes(org))?;
    let (of, days) = (account.calendar.generation, account.used_days);
    let (used, users) =
        try_join!(tables.usage.org_days(org, of, days), tables.usage.end_users(org, of, days))?;
    let mut all = OrgDay::default();
    for day in used.into_values() {
        all.merge(day);
    }
    let usage = usage(&account, &all, users.len(), &nodes);
    let subscribed_tier_ids = account.plan.subscribed_tier_ids.clone();
    Ok(Json(Response { plan: plan(account), subscribed_tier_ids, usage }))
}

fn usage(account: &Account, used: &OrgDay, unique_end_users: usize, nodes: &[Node]) -> Usage {
    let (plan, total) = (&account.plan, used.total());
    let seen = account.agents.iter().filter_map(|agent| agent.seen.as_ref());
    let sites: Vec<_> = nodes.iter().filter_map(|node| sites_now(node, account.now)).collect();
    Usage {
        active_instances: seen
            .filter(|seen| seen.called_between(account.days, account.calendar.zone))
            .count(),
        api_call_limit: plan.api_call_limit,
        conversation_limit: plan.conversation_limit,
        instance_limit: plan.instance_limit,
        max_sites_per_node: plan.max_sites_per_node,
        platform_cost_usd: total.cost() - total.byok_cost,
        token_allowance: plan.token_allowance,
        total_cost_usd: total.cost(),
        total_hosted_sites: sites.iter().sum(),
        total_requests: total.requests,
        total_tokens: total.tokens.total(),
        unique_end_users,
        unpriced_requests: total.unpriced,
        webhost_nodes: sites.len(),
    }
}

/// The sites that a node hosts, if it is alive.
fn sites_now(node: &Node, now: DateTime<Utc>) -> Option<u64> {
    let report = node.seen.sites.as_ref()?;
    (now - report.at <= NODE_ALIVE).then_some(report.value)
}

fn plan(account: Account) -> Plan {
    let (plan, period, now) = (account.plan, account.period, account.now);
    Plan {
        api_call_limit: plan.api_call_limit,
        billing_cycle: plan.billing_cycle.as_str(),
        conversation_limit: plan.conversation_limit,
        current_period_end: rfc3339(period.end),
        current_period_start: rfc3339(period.start),
        instance_limit: plan.instance_limit,
        max_sites_per_node: plan.max_sites_per_node,
        price_cents: plan.price_cents,
        status: plan.status.as_str(),
        token_allowance: plan.token_allowance,
        trial_days_remaining: trial::days_remaining(&plan, now),
        trial_ends_at: plan.trial_ends_at.map(rfc3339).unwrap_or_default(),
        plan_name: plan.plan_name,
        product_name: plan.product_name,
        tier_id: plan.tier_id,
        tier_slug: plan.tier_slug,
    }
}
