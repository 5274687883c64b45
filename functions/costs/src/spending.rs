//! What each agent spent in a period.

use std::collections::BTreeMap;

use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentDay, AgentModelSums};
use ledger::roster::Agent;
use ledger::settings::AgentStatus;

use crate::names::Names;

/// What an agent spent.
#[derive(Clone, Debug)]
pub struct Spending {
    /// Who.
    pub agent: Agent,
    /// Its registered model, else the one that it called most, else nothing.
    pub model_name: String,
    /// All its calls.
    pub sums: AgentModelSums,
}

impl Spending {
    /// What the agent may cost a month, where somebody has said so.
    pub fn budget(&self) -> Option<Usd> {
        self.agent.settings.as_ref()?.cost_budget_monthly
    }

    /// By how much it passed its budget, where it did.
    pub fn overage(&self) -> Option<Usd> {
        self.budget().filter(|budget| self.sums.cost > *budget).map(|budget| self.sums.cost - budget)
    }
}

/// Whether an agent is spoken of even where it made no call: someone registered it, and nobody archived it.
fn stands_without_usage(agent: &Agent) -> bool {
    agent.settings.as_ref().is_some_and(|settings| settings.status != AgentStatus::Archived)
}

/// Agents that made a call in `window`, or are registered and not archived; by id.
pub fn of(
    window: DayRange,
    days: Vec<(Day, AgentId, AgentDay)>,
    names: &Names,
    agents: Vec<Agent>,
) -> Vec<Spending> {
    let mut used: BTreeMap<AgentId, AgentDay> = BTreeMap::new();
    for (day, agent, sums) in days {
        if window.contains(day) && !sums.models.is_empty() {
            used.entry(agent).or_default().merge(sums);
        }
    }
    let mut known: BTreeMap<_, _> = agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
    for agent in known.values().filter(|agent| stands_without_usage(agent)) {
        used.entry(agent.id.clone()).or_default();
    }
    used.into_iter()
        .map(|(id, day)| {
            // An agent's day may be summed a moment before the registry hears of the agent.
            let agent = known.remove(&id).unwrap_or(Agent { id, settings: None, seen: None });
            let registered = agent.settings.as_ref().and_then(|settings| settings.model_name.clone());
            let model_name = registered.unwrap_or_else(|| most_used(&day, names).to_owned());
            Spending { agent, model_name, sums: day.total() }
        })
        .collect()
}

/// The model with the most calls; of several the first by name.
fn most_used<'a>(day: &AgentDay, names: &'a Names) -> &'a str {
    let named = day.models.iter().filter_map(|(code, sums)| Some((sums.requests, names.get(*code)?)));
    let most =
        named.min_by_key(|(requests, key)| (std::cmp::Reverse(*requests), &*key.model, &*key.provider));
    most.map_or("", |(_, key)| &key.model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::ids::ModelKey;
    use ledger::rollup::ModelCode;
    use ledger::rollup::{ModelSums, OrgDay};

    fn key(name: &str) -> ModelKey {
        let (provider, model) = name.split_once('/').unwrap();
        ModelKey { provider: provider.to_owned(), model: model.to_owned() }
    }

    fn calls(models: &[(&str, u64)]) -> AgentDay {
        let sums = |requests| AgentModelSums { requests, ..Default::default() };
        let models = models.iter().map(|(name, requests)| (ModelCode::of(&key(name)), sums(*requests)));
        AgentDay { models: models.collect(), ..Default::default() }
    }

    fn names(models: &[&str]) -> Names {
        let models = models.iter().map(|name| (key(name), ModelSums::default())).collect();
        Names::of([&OrgDay { models, ..Default::default() }])
    }

    #[test]
    fn the_model_that_was_called_most_then_the_first_by_name() {
        let all = names(&["p/a", "p/b", "o/b", "p/c"]);
        for (used, name) in [
            (&[][..], ""),
            (&[("p/a", 1), ("p/b", 2)], "b"),
            (&[("p/b", 2), ("p/a", 2)], "a"),
            (&[("p/c", 2), ("o/b", 2), ("p/b", 1)], "b"),
            // One that has no name yet is passed over.
            (&[("p/new", 9), ("p/c", 1)], "c"),
            (&[("p/new", 9)], ""),
        ] {
            assert_eq!(most_used(&calls(used), &all), name, "{used:?}");
        }
    }

    #[test]
    fn days_outside_the_window_and_days_without_a_call_are_left_out() {
        let day = |text| Day::parse(text).unwrap();
        let window = DayRange { first: day("2026-09-01"), last: day("2026-09-30") };
        let id = |text| AgentId::new(text).unwrap();
        let days = vec![
            (day("2026-08-31"), id("before"), calls(&[("p/a", 1)])),
            (day("2026-09-01"), id("in"), calls(&[("p/a", 1)])),
            (day("2026-09-30"), id("in"), calls(&[("p/a", 2)])),
            (day("2026-10-01"), id("after"), calls(&[("p/a", 1)])),
            (day("2026-09-02"), id("idle"), calls(&[])),
        ];
        let found = of(window, days, &names(&["p/a"]), Vec::new());
        let found: Vec<_> = found.iter().map(|one| (one.agent.id.as_str(), one.sums.requests)).collect();
        assert_eq!(found, [("in", 3)]);
    }
}
