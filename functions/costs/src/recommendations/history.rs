//! What an agent did in the window.

use std::collections::BTreeMap;

use ledger::ids::{AgentId, ModelKey};
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentDay, AgentModelSums};

use crate::names::Names;

/// An agent's use of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The first day of it within the window.
    pub first: Day,
    /// What it added up to.
    pub sums: AgentModelSums,
}

/// What an agent did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// By model. One whose name has not been added up yet is missing for a moment.
    pub models: BTreeMap<ModelKey, Use>,
    /// All its calls.
    pub calls: u64,
    /// What they were for.
    pub calls_by_task_type: BTreeMap<String, u64>,
}

/// The history of every agent that made a call in `window`.
pub fn of(
    window: DayRange,
    days: Vec<(Day, AgentId, AgentDay)>,
    names: &Names,
) -> BTreeMap<AgentId, History> {
    let mut agents: BTreeMap<AgentId, History> = BTreeMap::new();
    for (day, agent, sums) in days {
        if !window.contains(day) || sums.models.is_empty() {
            continue;
        }
        let history = agents.entry(agent).or_default();
        for (code, model) in &sums.models {
            history.calls += model.requests;
            let Some(key) = names.get(*code) else { continue };
            let used = history.models.entry(key.clone());
            let used = used.or_insert_with(|| Use { first: day, sums: AgentModelSums::default() });
            used.first = used.first.min(day);
            used.sums += *model;
        }
        for (kind, calls) in sums.calls_by_task_type {
            *history.calls_by_task_type.entry(kind).or_default() += calls;
        }
    }
    agents
}

#[cfg(test)]
mod tests {
    use ledger::rollup::ModelCode;
    use ledger::rollup::{ModelSums, OrgDay};

    use super::*;

    #[test]
    fn days_are_added_up_and_the_first_is_remembered() {
        let day = |text| Day::parse(text).unwrap();
        let window = DayRange { first: day("2026-08-17"), last: day("2026-09-15") };
        let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
        let names =
            Names::of([&OrgDay { models: [(key("m"), ModelSums::default())].into(), ..Default::default() }]);
        let agent = AgentId::new("nova").unwrap();
        let on = |date, model: &str, kind: &str| {
            let sums = AgentModelSums { requests: 2, ..Default::default() };
            let day_sums = AgentDay {
                models: [(ModelCode::of(&key(model)), sums)].into(),
                calls_by_task_type: [(kind.to_owned(), 1)].into(),
                ..Default::default()
            };
            (day(date), agent.clone(), day_sums)
        };
        let days = vec![
            on("2026-08-16", "m", "chat"),
            on("2026-09-15", "m", "chat"),
            on("2026-09-02", "m", "coding"),
            on("2026-09-01", "nameless", "chat"),
            on("2026-09-16", "m", "chat"),
            (day("2026-09-03"), AgentId::new("idle").unwrap(), AgentDay::default()),
        ];
        let found = of(window, days, &names);
        let history = History {
            models: [(
                key("m"),
                Use { first: day("2026-09-02"), sums: AgentModelSums { requests: 4, ..Default::default() } },
            )]
            .into(),
            calls: 6,
            calls_by_task_type: [("chat".to_owned(), 2), ("coding".to_owned(), 1)].into(),
        };
        assert_eq!(found, [(agent, history)].into());
    }
}
