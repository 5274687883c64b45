//! What added most to a cost lately.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ledger::ids::{AgentId, ModelKey};
use ledger::money::Usd;

use crate::lately::Lately;

/// How many are named.
const NAMED: usize = 3;

/// What added most, most first; what added as much, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// Agents.
    pub agents: Vec<(AgentId, Usd)>,
    /// Models, by their names.
    pub models: Vec<(ModelKey, Usd)>,
}

/// What added most to the cost of one agent, or of all.
pub fn top(lately: &Lately, agent: Option<&AgentId>) -> Top {
    let (mut agents, mut models) = (BTreeMap::<&AgentId, Usd>::new(), BTreeMap::<&ModelKey, Usd>::new());
    let counts = |caller: &AgentId| agent.is_none_or(|agent| agent == caller);
    for ((caller, model), cost) in lately.costs.iter().filter(|((caller, _), _)| counts(caller)) {
        *agents.entry(caller).or_default() += *cost;
        *models.entry(model).or_default() += *cost;
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
    use chrono::DateTime;
    use ledger::alert::Window;

    use super::*;

    #[test]
    fn the_three_that_added_most_of_those_that_added_anything() {
        let costs =
            [("b", "x", 7), ("a", "y", 9), ("c", "y", 1), ("d", "y", 2), ("e", "y", 0), ("b", "z", 2)];
        let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
        let cost = |(agent, model, cost): (&str, &str, u32)| {
            ((AgentId::new(agent).unwrap(), key(model)), Usd::new(cost.into()))
        };
        let moment = DateTime::UNIX_EPOCH;
        let window = Window { from: moment, to: moment };
        let lately = Lately { window, costs: costs.map(cost).into() };
        let brief = |top: &Top| {
            let agents: Vec<_> = top.agents.iter().map(|(id, cost)| format!("{id} {cost}")).collect();
            let models: Vec<_> =
                top.models.iter().map(|(key, cost)| format!("{} {cost}", key.model)).collect();
            format!("{} | {}", agents.join(", "), models.join(", "))
        };
        assert_eq!(brief(&top(&lately, None)), "a 9.00, b 9.00, d 2.00 | y 12.00, x 7.00, z 2.00");
        let only = AgentId::new("b").unwrap();
        assert_eq!(brief(&top(&lately, Some(&only))), "b 9.00 | x 7.00, z 2.00");
        let nobody = AgentId::new("e").unwrap();
        assert_eq!(brief(&top(&lately, Some(&nobody))), " | ");
    }
}
