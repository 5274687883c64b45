//! The workforce of the current month.

use std::collections::BTreeMap;

use ledger::ids::AgentId;
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentModelFigures, WorkFigures};
use ledger::roster::{self, Agent};
use ledger::settings::{AgentSettings, AgentStatus};

use crate::roi::{Roi, SavedBasis, TimeSaved};

const UNASSIGNED: &str = "Unassigned";

/// The calendar month of `today`, up to today.
pub fn so_far(today: Day) -> DayRange {
    DayRange { first: today.month().first(), last: today }
}

/// An agent and its work this month.
#[derive(Clone, Debug)]
pub struct Member {
    pub agent: Agent,
    /// Its calls.
    pub calls: AgentModelFigures,
    /// Its tasks.
    pub work: WorkFigures,
}

/// The workforce of `month`, by id: every agent, registered or seen, that is not archived, and every archived agent
/// that worked this month, since its cost is part of the month's cost.
pub fn members(
    month: DayRange,
    days: Vec<(Day, AgentId, AgentModelFigures, WorkFigures)>,
    agents: Vec<Agent>,
) -> Vec<Member> {
    let mut done: BTreeMap<AgentId, (AgentModelFigures, WorkFigures)> = BTreeMap::new();
    for (_, agent, calls, work) in days.into_iter().filter(|(day, ..)| month.contains(*day)) {
        let done = done.entry(agent).or_default();
        done.0 += calls;
        done.1 += work;
    }
    let members = roster::join(agents, done).into_iter().map(|roster::Member { agent, usage }| {
        let (calls, work) = usage.unwrap_or_default();
        Member { agent, calls, work }
    });
    members.filter(Member::counts).collect()
}

impl Member {
    /// Whether it made a call or finished a task this month.
    pub fn worked(&self) -> bool {
        let work = &self.work;
        self.calls.requests + work.tasks + work.tasks_failed > 0
    }

    fn counts(&self) -> bool {
        let worked = self.worked();
        let known = self.agent.settings.is_some() || self.agent.seen.is_some();
        worked || (known && self.agent.status() != AgentStatus::Archived)
    }

    /// The agent's settings; empty if it is not registered.
    pub fn settings(&self) -> AgentSettings {
        self.agent.settings.clone().unwrap_or_default()
    }

    pub fn department(&self) -> String {
        self.settings().department.unwrap_or_else(|| UNASSIGNED.to_owned())
    }

    pub fn roi(&self) -> Roi {
        let salary = self.settings().human_equivalent_salary.unwrap_or_default();
        Roi { salary, cost: self.calls.cost }
    }

    pub fn saved(&self) -> TimeSaved {
        let estimated = self.settings().estimated_hours_saved.unwrap_or_default();
        TimeSaved::of(self.work.tasks_with_minutes, self.work.minutes_saved, estimated.0)
    }

    /// Whether tasks reported the hours saved.
    pub const fn saved_basis(&self) -> SavedBasis {
        if self.work.tasks_with_minutes > 0 { SavedBasis::Reported } else { SavedBasis::Estimated }
    }

    /// Failed calls and tasks.
    pub fn errors(&self) -> u64 {
        self.calls.errors + self.work.tasks_failed
    }
}
