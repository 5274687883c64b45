//! What each agent spent in a period.

use std::collections::BTreeMap;

use ledger::ids::AgentId;
use ledger::money::Usd;
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentModelFigures, ModelCode};
use ledger::roster::{self, Agent, Member};

use crate::model_names::ModelNames;

#[derive(Clone, Debug)]
pub struct Spending {
    pub agent: Agent,
    /// The registered model, else the most called one, else empty.
    pub model_name: String,
    /// The rollup of all its calls.
    pub sums: AgentModelFigures,
}

impl Spending {
    /// The agent's monthly budget, if one is set.
    pub fn budget(&self) -> Option<Usd> {
        self.agent.settings.as_ref()?.cost_budget_monthly
    }

    /// How far the agent exceeded its budget, if it did.
    pub fn overage(&self) -> Option<Usd> {
        self.budget().filter(|budget| self.sums.cost > *budget).map(|budget| self.sums.cost - budget)
    }
}

/// An agent's calls by model.
type Calls = BTreeMap<ModelCode, AgentModelFigures>;

/// Agents that made a call in `window` or are registered and not archived, by id.
pub fn of(
    window: DayRange,
    calls: Vec<(Day, AgentId, ModelCode, AgentModelFigures)>,
    names: &ModelNames,
    agents: Vec<Agent>,
) -> Vec<Spending> {
    let mut used: BTreeMap<AgentId, Calls> = BTreeMap::new();
    for (_, agent, code, figures) in calls.into_iter().filter(|(day, ..)| window.contains(*day)) {
        *used.entry(agent).or_default().entry(code).or_default() += figures;
    }
    let listed = roster::join(agents, used).into_iter().filter(Member::is_listed);
    listed
        .map(|Member { agent, usage }| {
            let calls = usage.unwrap_or_default();
            let registered = agent.settings.as_ref().and_then(|settings| settings.model_name.clone());
            let model_name = registered.unwrap_or_else(|| most_used(&calls, names).to_owned());
            let mut sums = AgentModelFigures::default();
            for figures in calls.into_values() {
                sums += figures;
            }
            Spending { agent, model_name, sums }
        })
        .collect()
}

/// The model with the most calls; among equals the first by name.
fn most_used<'a>(calls: &Calls, names: &'a ModelNames) -> &'a str {
    let named = calls.iter().filter_map(|(code, sums)| Some((sums.requests, names.get(*code)?)));
    let most =
        named.min_by_key(|(requests, key)| (std::cmp::Reverse(*requests), &*key.model, &*key.provider));
    most.map_or("", |(_, key)| &key.model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::ids::ModelKey;
    use ledger::rollup::{ModelFigures, OrgDay};

    fn key(name: &str) -> ModelKey {
        let (provider, model) = name.split_once('/').unwrap();
        ModelKey { provider: provider.to_owned(), model: model.to_owned() }
    }

    fn calls(models: &[(&str, u64)]) -> Calls {
        let sums = |requests| AgentModelFigures { requests, ..Default::default() };
        models.iter().map(|(name, requests)| (ModelCode::of(&key(name)), sums(*requests))).collect()
    }

    fn names(models: &[&str]) -> ModelNames {
        let models = models.iter().map(|name| (key(name), ModelFigures::default())).collect();
        ModelNames::of([&OrgDay { models, ..Default::default() }])
    }

    #[test]
    fn the_most_called_model_wins_then_the_first_by_name() {
        let all = names(&["p/a", "p/b", "o/b", "p/c"]);
        for (used, name) in [
            (&[][..], ""),
            (&[("p/a", 1), ("p/b", 2)], "b"),
            (&[("p/b", 2), ("p/a", 2)], "a"),
            (&[("p/c", 2), ("o/b", 2), ("p/b", 1)], "b"),
            // A model whose name is not known yet is skipped.
            (&[("p/new", 9), ("p/c", 1)], "c"),
            (&[("p/new", 9)], ""),
        ] {
            assert_eq!(most_used(&calls(used), &all), name, "{used:?}");
        }
    }

    #[test]
    fn days_outside_the_window_are_left_out() {
        let day = |text| Day::parse(text).unwrap();
        let window = DayRange { first: day("2026-09-01"), last: day("2026-09-30") };
        let id = |text| AgentId::new(text).unwrap();
        let figures = |requests| AgentModelFigures { requests, ..Default::default() };
        let days = [
            ("2026-08-31", "before", 1),
            ("2026-09-01", "in", 1),
            ("2026-09-30", "in", 2),
            ("2026-10-01", "after", 1),
        ];
        let calls = days
            .map(|(on, agent, requests)| (day(on), id(agent), ModelCode::of(&key("p/a")), figures(requests)));
        let found = of(window, calls.to_vec(), &names(&["p/a"]), Vec::new());
        let found: Vec<_> = found.iter().map(|one| (one.agent.id.as_str(), one.sums.requests)).collect();
        assert_eq!(found, [("in", 3)]);
    }
}
