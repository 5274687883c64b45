//! Who is in the workforce this month, and what each has done so far.

use std::collections::BTreeMap;

use ledger::ids::AgentId;
use ledger::period::{Day, DayRange};
use ledger::rollup::AgentDay;
use ledger::roster::Agent;
use ledger::settings::{AgentSettings, AgentStatus};

use crate::roi::{Roi, Saved};

/// The department of agents that have none.
const UNASSIGNED: &str = "Unassigned";

/// The calendar month that `today` is in, so far.
pub fn so_far(today: Day) -> DayRange {
    DayRange { first: today.month().first(), last: today }
}

/// An agent with what it has done this month.
#[derive(Clone, Debug)]
pub struct Member {
    /// What is known of it.
    pub agent: Agent,
    /// What it has done.
    pub done: AgentDay,
}

/// The workforce of the month `month`, by id: every agent, registered or seen, that nobody archived; and who was
/// archived after it had worked this month, since its cost is part of the month's.
pub fn members(month: DayRange, days: Vec<(Day, AgentId, AgentDay)>, agents: Vec<Agent>) -> Vec<Member> {
    let mut done: BTreeMap<AgentId, AgentDay> = BTreeMap::new();
    for (_, agent, day) in days.into_iter().filter(|(day, ..)| month.contains(*day)) {
        done.entry(agent).or_default().merge(day);
    }
    let mut members: BTreeMap<AgentId, Member> = BTreeMap::new();
    for agent in agents {
        let done = done.remove(&agent.id).unwrap_or_default();
        members.insert(agent.id.clone(), Member { agent, done });
    }
    // An agent's day may be summed a moment before the registry hears of the agent.
    for (id, done) in done {
        let agent = Agent { id: id.clone(), settings: None, seen: None };
        members.insert(id, Member { agent, done });
    }
    members.into_values().filter(Member::counts).collect()
}

impl Member {
    fn counts(&self) -> bool {
        let work = &self.done.work;
        let worked = self.done.total().requests + work.tasks + work.tasks_failed > 0;
        let known = self.agent.settings.is_some() || self.agent.seen.is_some();
        worked || (known && self.agent.status() != AgentStatus::Archived)
    }

    /// What is set of it; nothing of an agent that nobody registered.
    pub fn settings(&self) -> AgentSettings {
        self.agent.settings.clone().unwrap_or_default()
    }

    /// Whom it works for.
    pub fn department(&self) -> String {
        self.settings().department.unwrap_or_else(|| UNASSIGNED.to_owned())
    }

    /// What it is worth and what it costs.
    pub fn roi(&self) -> Roi {
        let salary = self.settings().human_equivalent_salary.unwrap_or_default();
        Roi { salary, cost: self.done.total().cost }
    }

    /// The time that it has saved.
    pub fn saved(&self) -> Saved {
        let estimated = self.settings().estimated_hours_saved.unwrap_or_default();
        Saved::of(self.done.work.tasks_with_minutes, self.done.work.minutes_saved, estimated.0)
    }

    /// Calls and tasks that failed.
    pub fn errors(&self) -> u64 {
        self.done.total().errors + self.done.work.tasks_failed
    }
}
