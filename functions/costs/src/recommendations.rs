//! `GET /api/cost-analysis/recommendations`: cheaper models that could do the same work.
//!
//! At most one recommendation for each agent and each model that it used in the last 30 days. The recommended model
//! has a price today, comes from the same provider (or from any provider that the organization used in these days, if
//! its settings allow that), is of the tier that the agent's work needs, accepts the agent's inputs, and has not
//! failed this agent more often before. Among those it is the one that saves most on the agent's own tokens, if that
//! is at least 10 % and 1.00 USD a month.
//!
//! Archived agents get no recommendations. A model without a price cannot be compared.

mod catalog;
mod choice;
mod history;
mod model_limits;
mod tier;
mod token_mix;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::{AgentId, ModelKey};
use ledger::money::{Number, percent};
use ledger::period::{Day, DayRange};
use ledger::pricing::{PriceBook, PriceRef};
use ledger::rollup::OrgDay;
use ledger::roster::Agent;
use ledger::settings::AgentStatus;
use rust_decimal::Decimal;
use serde::Serialize;
use web::app::App;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::route::Route;

use crate::model_names::ModelNames;
use catalog::{Catalog, Offer};
use choice::{CallCounts, CallsByModel, Current, DAYS, Saving, total_per_month};
use history::{History, ModelUsage};
use token_mix::TokenMix;

pub fn route() -> Route {
    Route::get("/api/cost-analysis/recommendations", Scope::CostsRead, handle)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Largest saving first, then by agent, provider and model.
    recommendations: Vec<Recommendation>,
    total_potential_savings: Number,
    /// Calls without a price in these days, of any model.
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Recommendation {
    agent_id: AgentId,
    agent_name: String,
    current_model: String,
    current_provider: String,
    recommended_model: String,
    recommended_provider: String,
    savings_pct: Number,
    /// Per 30 days, extrapolated from the days since the first use of the model in the window.
    estimated_monthly_savings: Number,
    /// Today's price in dollars per million tokens.
    current_input_price: Number,
    /// Today's price in dollars per million tokens.
    recommended_input_price: Number,
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Response>> {
    let (org, store) = (&caller.org, &app.store);
    let fetch = |days| async move { try_join!(store.agent_days(org, days), store.org_days(org, days)) };
    let days = app.fetch_days(org, |today| DayRange::ending(today, DAYS), fetch);
    let ((window, (agent_days, org_days)), agents) = try_join!(days, store.agents(org))?;
    // Cached: the time zone lookup above has just read it.
    let settings = store.settings_cached(org).await?;
    let catalog = Catalog::new(PriceBook::builtin(), &settings.overrides, app.clock.now().date_naive());
    let histories = history::of(window, agent_days, &ModelNames::of(org_days.values()));
    let mut used = OrgDay::default();
    for (_, day) in org_days.into_iter().filter(|(day, _)| window.contains(*day)) {
        used.merge(day);
    }
    let everywhere =
        settings.organization.cross_provider_recommendations.then(|| providers(used.models.keys()));

    let agents: BTreeMap<_, _> = agents.iter().map(|agent| (&agent.id, agent)).collect();
    let found = histories.iter().flat_map(|(id, history)| {
        let agent = agents.get(id).copied();
        let at_work = agent.is_none_or(|agent| agent.status() != AgentStatus::Archived);
        let found =
            if at_work { advise(history, &catalog, everywhere.as_ref(), window.last) } else { Vec::new() };
        let name = agent.map_or(id.as_str(), Agent::name);
        found.into_iter().map(move |advice| (advice.saving, recommendation(id, name, &advice)))
    });
    Ok(Json(response(found.collect(), used.total().unpriced)))
}

/// The providers of the models, in lower case, as ids are compared.
fn providers<'a>(models: impl Iterator<Item = &'a ModelKey>) -> BTreeSet<String> {
    models.map(|key| key.provider.to_ascii_lowercase()).collect()
}

/// A recommended change and its saving.
struct Advice<'a> {
    from: &'a ModelKey,
    price: PriceRef<'a>,
    to: Offer<'a>,
    saving: Saving,
}

/// The recommendations for one agent.
fn advise<'a>(
    history: &'a History,
    catalog: &Catalog<'a>,
    everywhere: Option<&BTreeSet<String>>,
    today: Day,
) -> Vec<Advice<'a>> {
    let needed = tier::needed(history.calls, &history.calls_by_task_type);
    let tried = tried(history, catalog);
    let advice = |(from, used): (&'a ModelKey, &ModelUsage)| {
        let (price, model) = catalog.price_of(from)?;
        let current = Current {
            price,
            model,
            mix: TokenMix::of(&used.sums),
            calls: CallCounts { requests: used.sums.requests, errors: used.sums.errors },
            recorded: used.sums.cost,
            days: days_since(used.first, today),
            needed,
        };
        let own = providers(std::iter::once(from));
        let (to, saving) = current.best(catalog.offers(everywhere.unwrap_or(&own)), &tried)?;
        Some(Advice { from, price, to: *to, saving })
    };
    history.models.iter().filter_map(advice).collect()
}

/// The agent's calls of each model that has a price.
fn tried<'a>(history: &History, catalog: &Catalog<'a>) -> CallsByModel<'a> {
    let mut tried = CallsByModel::new();
    for (key, used) in &history.models {
        if let Some((_, model)) = catalog.price_of(key) {
            let calls = tried.entry((&*model.provider, &*model.model)).or_default();
            calls.requests += used.sums.requests;
            calls.errors += used.sums.errors;
        }
    }
    tried
}

/// Number of days from `first` to `today`, both included.
fn days_since(first: Day, today: Day) -> u32 {
    let days = DayRange { first, last: today }.days().count();
    u32::try_from(days).unwrap_or(DAYS).clamp(1, DAYS)
}

fn recommendation(id: &AgentId, name: &str, advice: &Advice<'_>) -> Recommendation {
    let input = |price: PriceRef<'_>| Number(price.version.base.input.per_million());
    let to = advice.to.price.model;
    Recommendation {
        agent_id: id.clone(),
        agent_name: name.to_owned(),
        current_model: advice.from.model.clone(),
        current_provider: advice.from.provider.clone(),
        recommended_model: to.model.clone(),
        recommended_provider: to.provider.clone(),
        savings_pct: percent(Decimal::from(advice.saving.saved), Decimal::from(advice.saving.cost_now)),
        estimated_monthly_savings: Number::usd(total_per_month([advice.saving])),
        current_input_price: input(advice.price),
        recommended_input_price: input(advice.to.price),
    }
}

fn response(mut found: Vec<(Saving, Recommendation)>, unpriced_requests: u64) -> Response {
    let total = total_per_month(found.iter().map(|(saving, _)| *saving));
    // The sort is stable: equal savings stay ordered by agent and model.
    found.sort_by_key(|(saving, _)| Reverse(saving.per_month()));
    Response {
        recommendations: found.into_iter().map(|(_, recommendation)| recommendation).collect(),
        total_potential_savings: Number::usd(total),
        unpriced_requests,
    }
}
