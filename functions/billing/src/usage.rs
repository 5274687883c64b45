//! `GET /v1/billing/usage`: the current period's usage by agent, against the allowance.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::AgentId;
use ledger::money::{Number, Usd, percent};
use ledger::period::{Day, rfc3339};
use ledger::rollup::{AgentDay, AgentModelSums, OrgDay};
use ledger::roster::Agent;
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::account::Account;

/// The route of this endpoint.
pub fn route() -> Route {
    Route::get("/v1/billing/usage", Scope::BillingRead, handle)
}

/// The current period's usage.
#[derive(Debug, Serialize)]
pub struct Response {
    /// Agents with at least one call: by tokens, most first; then by id.
    by_instance: Vec<Instance>,
    period_end: String,
    period_start: String,
    /// The part of the cost that ran on the platform's own provider keys.
    platform_cost_usd: Usd,
    token_allowance_monthly: u64,
    /// In percent of the allowance; more than 100 where it is used up.
    token_usage_pct: Number,
    total_cost_usd: Usd,
    total_requests: u64,
    total_tokens: u64,
    unique_end_users: usize,
    /// Calls that had no price: with any, the costs are lower bounds.
    unpriced_requests: u64,
}

/// One agent.
#[derive(Debug, Serialize)]
struct Instance {
    cost_usd: Usd,
    hostname: String,
    instance_id: AgentId,
    /// Share of all tokens, in percent.
    pct_of_total: Number,
    requests: u64,
    status: &'static str,
    tokens: u64,
    /// Uncached, read from a cache and written to one.
    tokens_in: u64,
    tokens_out: u64,
    unpriced_requests: u64,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let (org, store) = (&caller.org, &app.store);
    let account = Account::read(&app, org).await?;
    let days = account.used_days;
    let (used, agent_days, users) =
        try_join!(store.org_days(org, days), store.agent_days(org, days), store.end_users(org, days))?;
    let mut all = OrgDay::default();
    for day in used.into_values() {
        all.merge(day);
    }
    let total = all.total();
    let tokens = total.tokens.total();
    Ok(Json(Response {
        by_instance: by_instance(agent_days, account.agents, tokens),
        period_end: rfc3339(account.period.end),
        period_start: rfc3339(account.period.start),
        platform_cost_usd: total.cost() - total.byok_cost,
        token_allowance_monthly: account.plan.token_allowance,
        token_usage_pct: percent(tokens.into(), account.plan.token_allowance.into()),
        total_cost_usd: total.cost(),
        total_requests: total.requests,
        total_tokens: tokens,
        unique_end_users: users.len(),
        unpriced_requests: total.unpriced,
    }))
}

fn by_instance(days: Vec<(Day, AgentId, AgentDay)>, agents: Vec<Agent>, tokens: u64) -> Vec<Instance> {
    let mut used: BTreeMap<AgentId, AgentModelSums> = BTreeMap::new();
    for (_, agent, day) in days {
        *used.entry(agent).or_default() += day.total();
    }
    used.retain(|_, sums| sums.requests > 0);
    let mut known: BTreeMap<_, _> = agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
    let mut rows: Vec<_> = used.into_iter().collect();
    // Stable: agents with as many tokens stay in the order of their ids.
    rows.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.tokens.total()));
    rows.into_iter()
        .map(|(id, sums)| {
            // An agent's day may be summed a moment before the registry hears of the agent.
            let agent = known.remove(&id).unwrap_or(Agent { id, settings: None, seen: None });
            instance(agent, &sums, tokens)
        })
        .collect()
}

fn instance(agent: Agent, sums: &AgentModelSums, tokens: u64) -> Instance {
    Instance {
        cost_usd: sums.cost,
        hostname: agent.hostname().to_owned(),
        status: agent.status().as_str(),
        instance_id: agent.id,
        pct_of_total: percent(sums.tokens.total().into(), tokens.into()),
        requests: sums.requests,
        tokens: sums.tokens.total(),
        tokens_in: sums.tokens.whole_input(),
        tokens_out: sums.tokens.output,
        unpriced_requests: sums.unpriced,
    }
}
