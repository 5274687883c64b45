//! Compares every budget of an organization with what was spent.

use std::collections::{BTreeMap, BTreeSet};

use ledger::ids::AgentId;
use ledger::period::Day;
use ledger::roster::Agent;
use store::Registry;
use store::error::Result;

use crate::budgets::{Budget, Budgets};
use crate::forecast::{Forecast, has_history};
use crate::organization::Organization;
use crate::spending::{Costs, Figures, Spending};
use crate::thresholds::{Changes, changes};

/// A budget about which something is to be decided.
pub struct Evaluation {
    pub budget: Budget,
    pub figures: Figures,
    pub changes: Changes,
}

/// What would follow for an agent if its history sufficed for a forecast.
type WithForecast = (Changes, Figures);

/// Evaluates all budgets. Those for which nothing changes are left out.
pub async fn evaluate(
    registry: &Registry,
    org: Organization<'_>,
    budgets: Budgets,
    costs: &Costs,
) -> Result<Vec<Evaluation>> {
    let today = org.today();
    let (mut evaluations, uncertain) = compare(budgets, costs, today);
    let known = in_use_since(registry, org, uncertain.keys()).await?;
    for evaluation in &mut evaluations {
        let Some(agent) = evaluation.budget.agent() else { continue };
        let Some(with_forecast) = uncertain.get(agent) else { continue };
        if has_history(known.get(agent).copied(), today) {
            (evaluation.changes, evaluation.figures) = with_forecast.clone();
        }
    }
    evaluations.retain(|evaluation| !evaluation.changes.is_empty());
    Ok(evaluations)
}

/// Evaluates all budgets by the days that were read. An agent that may have been in use before those, and for which a
/// forecast would make a difference, is uncertain.
fn compare(
    budgets: Budgets,
    costs: &Costs,
    today: Day,
) -> (Vec<Evaluation>, BTreeMap<AgentId, WithForecast>) {
    let Budgets { rules, all } = budgets;
    let (by_agent, mut uncertain) = (costs.by_agent(today), BTreeMap::new());
    let evaluate = |budget: Budget| {
        let spending = match budget.agent() {
            None => costs.org,
            Some(agent) => by_agent.get(agent).copied().unwrap_or_default(),
        };
        let compare = |forecast| {
            let figures = spending.figures(forecast);
            (changes(budget.limits(&rules).as_ref(), &figures, &budget.before), figures)
        };
        let forecast = forecast(&spending, today);
        let (changes, figures) = compare(forecast.clone());
        if let (None, Some(agent)) = (forecast, budget.agent()) {
            let with_forecast = compare(spending.forecast(today));
            // A forecast also makes a difference where an alert is due: its message contains the forecast.
            if with_forecast.0 != changes || !changes.is_empty() {
                uncertain.insert(agent.clone(), with_forecast);
            }
        }
        Evaluation { budget, figures, changes }
    };
    (all.into_iter().map(evaluate).collect(), uncertain)
}

fn forecast(spending: &Spending, today: Day) -> Option<Forecast> {
    has_history(spending.since, today).then(|| spending.forecast(today)).flatten()
}

/// The days of the agents' first events, which their history begins with. There are few such agents, since most have a
/// call on the first of the days that were read.
async fn in_use_since(
    registry: &Registry,
    org: Organization<'_>,
    agents: impl Iterator<Item = &AgentId>,
) -> Result<BTreeMap<AgentId, Day>> {
    let agents: BTreeSet<_> = agents.cloned().collect();
    let known = registry.agents_among(org.id, &agents).await?;
    let first = |agent: Agent| Some(agent.seen?.first_day(org.calendar.zone));
    Ok(known.into_iter().filter_map(|(id, agent)| Some((id, first(agent)?))).collect())
}
