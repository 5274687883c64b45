//! An agent's usage in the window.

use std::collections::BTreeMap;

use ledger::ids::{AgentId, ModelKey};
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentDay, AgentModelFigures};

use crate::model_names::ModelNames;

/// An agent's usage of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// The first day of use within the window.
    pub first: Day,
    pub sums: AgentModelFigures,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// By model. A model whose name is not known yet is missing for a moment.
    pub models: BTreeMap<ModelKey, ModelUsage>,
    /// All calls, those of unknown models included.
    pub calls: u64,
    pub calls_by_task_type: BTreeMap<String, u64>,
}

/// The history of every agent that made a call in `window`.
pub fn of(
    window: DayRange,
    days: Vec<(Day, AgentId, AgentDay)>,
    names: &ModelNames,
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
            let used = used.or_insert_with(|| ModelUsage { first: day, sums: AgentModelFigures::default() });
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
    use ledger::rollup::{ModelCode, ModelFigures, OrgDay};

    use super::*;

    #[test]
    fn days_are_aggregated_and_the_first_is_kept() {
        let day = |text| Day::parse(text).unwrap();
        let window = DayRange { first: day("2026-08-17"), last: day("2026-09-15") };
        let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
        let names = ModelNames::of([&OrgDay {
            models: [(key("m"), ModelFigures::default())].into(),
            ..Default::default()
        }]);
        let agent = AgentId::new("nova").unwrap();
        let on = |date, model: &str, kind: &str| {
            let sums = AgentModelFigures { requests: 2, ..Default::default() };
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
                ModelUsage {
                    first: day("2026-09-02"),
                    sums: AgentModelFigures { requests: 4, ..Default::default() },
                },
            )]
            .into(),
            calls: 6,
            calls_by_task_type: [("chat".to_owned(), 2), ("coding".to_owned(), 1)].into(),
        };
        assert_eq!(found, [(agent, history)].into());
    }
}
