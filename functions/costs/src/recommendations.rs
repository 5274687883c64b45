//! `GET /api/cost-analysis/recommendations`: models that could do the same work for less, and what to use instead of
//! models that retire.
//!
//! At most one recommendation for each agent and each model that it used in the last 30 days. A recommended model is a
//! chat model of the same developer and provider (or of any provider that the organization used in these days, if its
//! settings allow that), of a family and tier in `families.csv` that the agent's work needs, released within 24 months
//! and served for at least 90 more days. It accepts the agent's inputs, has not failed this agent more often before and
//! is on the organization's allow list, if there is one. Among those it is the one that saves most on the agent's own
//! tokens, if that is at least 10 % and 1.00 USD a month.
//!
//! If the current model retires within 90 days and no other saves enough, its successor is recommended even if it costs
//! more; without a successor the cheapest model of the same family.
//!
//! Archived agents get no recommendations. A model without a price cannot be compared.

mod advice;
mod allow_list;
mod catalog;
mod choice;
mod history;
mod model;
mod prices;
mod row;
mod tier;
mod token_mix;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use futures::try_join;
use ledger::ids::ModelKey;
use ledger::money::Number;
use ledger::period::{DayRange, Windows};
use ledger::rollup::OrgDay;
use ledger::roster::Agent;
use ledger::settings::AgentStatus;
use serde::Serialize;
use serde_json::value::RawValue;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;
use web::page::{PageRequest, Place};
use web::query::Query;

use crate::model_names::ModelNames;
use crate::{App, Route};
use advice::{advise, provider_id};
use catalog::Catalog;
use choice::{DAYS, Saving, total_per_month};
use row::Recommendation;

pub fn route() -> Route {
    Route::get("/api/cost-analysis/recommendations", Scope::CostsRead, handle).with_figures()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Largest saving first, then by agent, provider and model.
    recommendations: Vec<Box<RawValue>>,
    /// Of all pages.
    total_potential_savings: Number,
    /// Calls without a price in these days, of any model.
    unpriced_requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageRequest<i128>>,
) -> Result<Json<Response>> {
    let (org, tables) = (&caller.org, &app.tables);
    let fetch = |of, windows: Windows| async move {
        try_join!(
            tables.usage.agent_uses_over(org, of, &windows),
            tables.usage.org_days(org, of, windows.days())
        )
    };
    let window = |today| DayRange::ending(today, DAYS);
    let days = Box::pin(tables.registry.fetch_windows(org, app.clock.now(), window, fetch));
    let ((window, (uses, org_days)), agents) = try_join!(days, tables.registry.agents(org))?;
    // Cached: the time zone lookup above has just read it.
    let settings = tables.registry.settings_cached(org).await?;
    let histories = history::of(window, uses, &ModelNames::of(org_days.values()));
    let mut used = OrgDay::default();
    for (_, day) in org_days.into_iter().filter(|(day, _)| window.contains(*day)) {
        used.merge(day);
    }
    let everywhere = providers(used.models.keys());
    let organization = &settings.organization;
    let today = app.clock.now().date_naive();
    let catalog =
        Catalog::new(settings.pricer(), &organization.recommendation_allow_list, today, &everywhere);
    let reach = organization.cross_provider_recommendations.then_some(&everywhere);

    let agents: BTreeMap<_, _> = agents.iter().map(|agent| (&agent.id, agent)).collect();
    let found = histories.iter().flat_map(|(id, history)| {
        let agent = agents.get(id).copied();
        let at_work = agent.is_none_or(|agent| agent.status() != AgentStatus::Archived);
        let found = if at_work { advise(history, &catalog, reach, window.last) } else { Vec::new() };
        let name = agent.map_or(id.as_str(), Agent::name);
        found.into_iter().map(move |advice| (advice.saving, Recommendation::new(id, name, &advice)))
    });
    response(&page, found.collect(), used.total().unpriced).map(Json)
}

/// The ids of the models' providers.
fn providers<'a>(models: impl Iterator<Item = &'a ModelKey>) -> BTreeSet<String> {
    models.map(|key| provider_id(&key.provider)).collect()
}

fn response(
    page: &PageRequest<i128>,
    found: Vec<(Option<Saving>, Recommendation)>,
    unpriced_requests: u64,
) -> Result<Response> {
    let saved = |saving: &Option<Saving>| saving.filter(|saving| saving.saved > 0);
    let total = total_per_month(found.iter().filter_map(|(saving, _)| saved(saving)));
    let place = |(saving, recommendation): &(Option<Saving>, Recommendation)| {
        Place::ranked(saved(saving).map_or(0, Saving::per_month), recommendation.id())
    };
    let page = page.of(found, place, |(_, recommendation)| recommendation)?;
    Ok(Response {
        recommendations: page.rows,
        total_potential_savings: Number::usd(total),
        unpriced_requests,
        next_cursor: page.next_cursor,
    })
}
