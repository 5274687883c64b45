//! `GET /v1/billing/usage`: the current period's usage by agent, compared with the allowance.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::AgentId;
use ledger::money::{Number, Usd, percent};
use ledger::period::{Day, Windows, rfc3339};
use ledger::rollup::{AgentModelFigures, OrgDay, WorkFigures};
use ledger::roster::{self, Agent};
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{Page, PageRequest, Place};
use web::query::Query;

use crate::account::Account;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/v1/billing/usage", Scope::BillingRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
pub struct Response {
    /// Agents with at least one call: most tokens first, then by id.
    by_instance: Vec<Box<RawValue>>,
    period_end: String,
    period_start: String,
    /// The part of the cost incurred on the platform's own provider keys.
    platform_cost_usd: Usd,
    token_allowance_monthly: u64,
    /// Percent of the allowance; more than 100 if it is exceeded.
    token_usage_pct: Number,
    total_cost_usd: Usd,
    total_requests: u64,
    total_tokens: u64,
    unique_end_users: usize,
    /// Calls without a price. If there are any, the costs are lower bounds.
    unpriced_requests: u64,
    /// The cursor of `by_instance`. All other figures are those of all agents.
    #[serde(rename = "nextCursor", skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct Instance {
    cost_usd: Usd,
    hostname: String,
    instance_id: AgentId,
    /// Share of all tokens in percent.
    pct_of_total: Number,
    requests: u64,
    status: &'static str,
    tokens: u64,
    /// All input: uncached, read from a cache and written to one.
    tokens_in: u64,
    tokens_out: u64,
    unpriced_requests: u64,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageRequest<u64>>,
) -> Result<Json<Response>> {
    let (org, tables) = (&caller.org, &app.tables);
    let account = Account::read(&app, org).await?;
    let (of, days) = (account.calendar.generation, account.used_days);
    let windows = Windows::from(days);
    let (used, agent_days, users) = try_join!(
        tables.usage.org_days(org, of, days),
        tables.usage.agent_totals_over(org, of, &windows),
        tables.usage.end_users(org, of, days)
    )?;
    let mut all = OrgDay::default();
    for day in used.into_values() {
        all.merge(day);
    }
    let total = all.total();
    let tokens = total.tokens.total();
    let page = by_instance(&page, agent_days, account.agents, tokens)?;
    Ok(Json(Response {
        by_instance: page.rows,
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
        next_cursor: page.next_cursor,
    }))
}

fn by_instance(
    page: &PageRequest<u64>,
    days: Vec<(Day, AgentId, AgentModelFigures, WorkFigures)>,
    agents: Vec<Agent>,
    tokens: u64,
) -> Result<Page> {
    let mut used: BTreeMap<AgentId, AgentModelFigures> = BTreeMap::new();
    for (_, agent, total, _) in days {
        *used.entry(agent).or_default() += total;
    }
    used.retain(|_, sums| sums.requests > 0);
    let members = roster::join(agents, used).into_iter();
    let members = members.filter_map(|member| Some((member.agent, member.usage?)));
    let place =
        |(agent, sums): &(Agent, AgentModelFigures)| Place::ranked(sums.tokens.total(), agent.id.as_str());
    page.of(members, place, |(agent, sums)| instance(agent, &sums, tokens))
}

fn instance(agent: Agent, sums: &AgentModelFigures, tokens: u64) -> Instance {
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
