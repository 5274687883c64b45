//! `GET /api/cost-analysis/summary`: the cost of a month at a glance.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::ModelKey;
use ledger::money::{Number, Usd, fraction};
use ledger::rollup::OTHER;
use ledger::roster::Agent;
use ledger::settings::{AgentStatus, BudgetSettings};
use serde::Serialize;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::query::Query;

use crate::bounded::dearest;
use crate::params::Period;
use crate::{App, Route};

pub fn route() -> Route {
    Route::get("/api/cost-analysis/summary", Scope::CostsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    token_cost: TokenCost,
    /// Equal to the cost of tokens: nothing else has a price.
    total_spend: Number,
    budget: Budget,
    /// Agents that are not archived.
    agent_count: usize,
    /// Providers with usage in the period.
    provider_count: usize,
    /// Calls without a price. If there are any, the cost is a lower bound.
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenCost {
    total: Number,
    /// Highest cost first, then by id.
    by_provider: Vec<ProviderCost>,
    /// Highest cost first, then by provider and model.
    by_model: Vec<ModelCost>,
}

#[derive(Debug, Serialize)]
struct ProviderCost {
    provider: String,
    cost: Number,
}

#[derive(Debug, Serialize)]
struct ModelCost {
    model: String,
    provider: String,
    cost: Number,
}

/// The monthly budget.
#[derive(Debug, Serialize)]
struct Budget {
    total: Number,
    utilization: Number,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(period): Query<Period>,
) -> Result<Json<Response>> {
    let (used, agents, budget) = try_join!(
        period.of_org(&app, &caller),
        app.tables.registry.agents(&caller.org),
        app.tables.registry.budget(&caller.org)
    )?;
    let total = used.total();
    let costs: Vec<_> = used.models.into_iter().map(|(key, sums)| (key, sums.cost())).collect();
    let providers = provider_costs(&costs);
    let agents: Vec<_> = agents.iter().filter(|agent| agent.status() != AgentStatus::Archived).collect();
    let budget = budget_of(&budget, &agents);
    Ok(Json(Response {
        total_spend: Number::usd(total.cost()),
        budget: Budget {
            total: Number::usd(budget),
            utilization: fraction(total.cost().dollars(), budget.dollars()),
        },
        agent_count: agents.len(),
        provider_count: providers.len(),
        unpriced_requests: total.unpriced,
        token_cost: TokenCost {
            total: Number::usd(total.cost()),
            by_provider: by_provider(providers),
            by_model: by_model(costs),
        },
    }))
}

/// The cost of each provider, by id.
fn provider_costs(costs: &[(ModelKey, Usd)]) -> BTreeMap<String, Usd> {
    let mut providers: BTreeMap<String, Usd> = BTreeMap::new();
    for (key, cost) in costs {
        if let Some(sum) = providers.get_mut(&key.provider) {
            *sum += *cost;
        } else {
            providers.insert(key.provider.clone(), *cost);
        }
    }
    providers
}

/// Providers of equal cost are ordered by id.
fn by_provider(providers: BTreeMap<String, Usd>) -> Vec<ProviderCost> {
    let rows = dearest(providers, |cost| *cost, OTHER.to_owned(), |sum, more| *sum += more);
    rows.into_iter().map(|(provider, cost)| ProviderCost { provider, cost: Number::usd(cost) }).collect()
}

/// The same for models.
fn by_model(costs: Vec<(ModelKey, Usd)>) -> Vec<ModelCost> {
    let rows = dearest(costs, |cost| *cost, ModelKey::other(), |sum, more| *sum += more);
    let row = |(key, cost): (ModelKey, Usd)| ModelCost {
        model: key.model,
        provider: key.provider,
        cost: Number::usd(cost),
    };
    rows.into_iter().map(row).collect()
}

/// The organization's own budget, else the sum of its agents' budgets.
fn budget_of(own: &BudgetSettings, agents: &[&Agent]) -> Usd {
    let of_agent = |agent: &&Agent| agent.settings.as_ref().and_then(|set| set.cost_budget_monthly);
    own.monthly.unwrap_or_else(|| agents.iter().filter_map(of_agent).sum())
}
