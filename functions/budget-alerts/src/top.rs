//! What added most to a cost lately.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shared::ids::{AgentId, ModelKey};
use shared::money::Usd;
use shared::period::{Day, DayRange};
use shared::store::alerts::AgentCost;
use shared::store::keys::ModelCode;

/// How many are named.
const NAMED: usize = 3;

/// The days that count as "lately": yesterday and today.
pub fn lately(today: Day) -> DayRange {
    DayRange::ending(today, 2)
}

/// What added most, most first; what added as much, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// Agents.
    pub agents: Vec<(AgentId, Usd)>,
    /// Models, by their names.
    pub models: Vec<(ModelKey, Usd)>,
}

/// What added most on `days` to the cost of one agent, or of all. A model whose name is not known yet is not named.
pub fn top(
    costs: &[AgentCost],
    days: DayRange,
    agent: Option<&AgentId>,
    names: &BTreeMap<ModelCode, ModelKey>,
) -> Top {
    let (mut agents, mut models) = (BTreeMap::<&AgentId, Usd>::new(), BTreeMap::<&ModelKey, Usd>::new());
    let counts =
        |cost: &&AgentCost| days.contains(cost.day) && agent.is_none_or(|agent| *agent == cost.agent);
    for day in costs.iter().filter(counts) {
        *agents.entry(&day.agent).or_default() += day.cost();
        for (code, cost) in &day.models {
            if let Some(key) = names.get(code) {
                *models.entry(key).or_default() += *cost;
            }
        }
    }
    Top { agents: most(agents), models: most(models) }
}

fn most<K: Clone + Ord>(costs: BTreeMap<&K, Usd>) -> Vec<(K, Usd)> {
    let mut all: Vec<_> = costs.into_iter().filter(|(_, cost)| !cost.is_zero()).collect();
    // Stable: those that cost as much stay in the order of their ids.
    all.sort_by_key(|(_, cost)| Reverse(*cost));
    all.into_iter().take(NAMED).map(|(key, cost)| (key.clone(), cost)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_that_added_most_of_those_that_added_anything() {
        let day = |text| Day::parse(text).unwrap();
        let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
        let names: BTreeMap<_, _> = ["x", "y"].map(|model| (ModelCode::of(&key(model)), key(model))).into();
        let cost = |date, agent: &str, models: &[(&str, u32)]| AgentCost {
            day: day(date),
            agent: AgentId::new(agent).unwrap(),
            models: models
                .iter()
                .map(|(model, cost)| (ModelCode::of(&key(model)), Usd::new((*cost).into())))
                .collect(),
            requests: 1,
            unpriced: 0,
        };
        let costs = [
            cost("2026-09-13", "old", &[("x", 1000)]),
            cost("2026-09-14", "b", &[("x", 5), ("new", 2)]),
            cost("2026-09-15", "b", &[("x", 2)]),
            cost("2026-09-15", "a", &[("y", 9)]),
            cost("2026-09-15", "c", &[("y", 1)]),
            cost("2026-09-15", "d", &[("y", 2)]),
            cost("2026-09-15", "e", &[("y", 0)]),
        ];
        let lately = lately(day("2026-09-15"));
        let brief = |top: &Top| {
            let agents: Vec<_> = top.agents.iter().map(|(id, cost)| format!("{id} {cost}")).collect();
            let models: Vec<_> =
                top.models.iter().map(|(key, cost)| format!("{} {cost}", key.model)).collect();
            format!("{} | {}", agents.join(", "), models.join(", "))
        };
        assert_eq!(brief(&top(&costs, lately, None, &names)), "a 9.00, b 9.00, d 2.00 | y 12.00, x 7.00");
        let only = AgentId::new("b").unwrap();
        assert_eq!(brief(&top(&costs, lately, Some(&only), &names)), "b 9.00 | x 7.00");
        let nobody = AgentId::new("e").unwrap();
        assert_eq!(brief(&top(&costs, lately, Some(&nobody), &names)), " | ");
    }
}
