//! Views: what a pack keeps of the full detail.

use super::amount::Amount;
use super::figure::Figure;
use super::group::{Domain, Group, Key, NONE, Part};
use super::names::Names;
use super::table::{Row, Table};
use crate::rollup::{ACTIVITY_TYPES, INPUT_LENGTHS, LONG_CONTEXT_STEPS, OTHER_ACTIVITY};

/// What a pack is read for. Each view is a sum over rows of full detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// The organization by model, its latencies, tasks and activity.
    Organization,
    /// Agents: calls, latencies, tasks and activity.
    Agents,
    /// Agents by model, by task type and by input length.
    AgentModels,
    /// The activity log by hour.
    Activity,
    /// Projects' compute usage by hour and day.
    Compute,
    /// Distinct end users.
    EndUsers,
    /// Calls and tasks by the values of tracked dimensions, and by model.
    Tracked,
    /// The organization by hour and model.
    Hours,
    /// All of these in one, for organizations so small that several packs would cost more.
    Whole,
}

impl View {
    /// The parts of [`View::Whole`].
    pub const PARTS: [Self; 8] = [
        Self::Organization,
        Self::Agents,
        Self::AgentModels,
        Self::Activity,
        Self::Compute,
        Self::EndUsers,
        Self::Tracked,
        Self::Hours,
    ];

    /// The groups of a table of this view.
    pub const fn groups(self) -> &'static [Group] {
        match self {
            Self::Organization => &[Group::OrgModels, Group::OrgWork, Group::OrgActivity],
            Self::Agents => &[Group::Agents, Group::AgentActivity],
            Self::AgentModels => &[Group::AgentModels, Group::AgentTaskTypes, Group::AgentLengths],
            Self::Activity => &[Group::Activity],
            Self::Compute => &[Group::ProjectHours, Group::ProjectDays],
            Self::EndUsers => &[Group::EndUsers],
            Self::Tracked => &[Group::TrackedValues],
            Self::Hours => &[Group::OrgHours],
            Self::Whole => &Group::ALL,
        }
    }
}

impl Table {
    /// What `view` keeps of this table of full detail.
    #[must_use]
    pub fn view(&self, view: View) -> Self {
        let mut kept = Self::default();
        kept.merge_view(self, view);
        kept
    }

    /// Adds what `view` keeps of a table of full detail.
    pub fn merge_view(&mut self, detail: &Self, view: View) {
        match view {
            View::Organization => self.add_organization(detail),
            View::Agents => self.add_agents(detail),
            View::AgentModels => self.add_agent_models(detail),
            View::Activity | View::Compute | View::EndUsers | View::Hours => {}
            View::Tracked => self.add_tracked_values(detail),
            View::Whole => View::PARTS.into_iter().for_each(|part| self.merge_view(detail, part)),
        }
        // What is in the form of the view already.
        if view != View::Whole {
            self.merge(&detail.only(view.groups()));
        }
    }

    /// This table of full detail, without the agents' rows of calls and tasks; instead, with the organization's.
    #[must_use]
    pub fn without_agents(&self) -> Self {
        let mut rest = self.only(&[
            Group::Activity,
            Group::ProjectHours,
            Group::ProjectDays,
            Group::EndUsers,
            Group::TrackedCalls,
            Group::OrgHours,
        ]);
        rest.add_organization(&self.only(&[Group::Calls, Group::Tasks]));
        rest
    }

    /// The agents' rows of calls and tasks of this table of full detail.
    #[must_use]
    pub fn agents_only(&self) -> Self {
        let mut agents = Self::default();
        for (key, row) in self.rows(Group::Calls) {
            let [agent, model, ..] = agents.key(self, &[(Domain::Agents, key[0]), (Domain::Models, key[1])]);
            let key = [agent, model, key[2], key[3], 0];
            agents.add(Group::AgentCalls, key, of_agent(row));
            agents.add(Group::AgentCalls, key, some(row, &Figure::LATENCY));
        }
        for (key, row) in self.rows(Group::Tasks) {
            let key = agents.key(self, &[(Domain::Agents, key[0])]);
            agents.add(Group::Agents, key, row.figures());
        }
        agents
    }

    /// The rows and sets of some groups, with the names that these may have.
    #[must_use]
    pub fn only(&self, groups: &[Group]) -> Self {
        let has = |group: &Group| groups.contains(group);
        let may_name = |domain| groups.iter().any(|group| group.parts().contains(&Part::Name(domain)));
        let names = |domain: Domain| {
            if may_name(domain) { self.names[domain as usize].clone() } else { Names::default() }
        };
        Self {
            names: Domain::ALL.map(names),
            groups: self.groups.iter().filter(|(g, _)| has(g)).map(|(g, rows)| (*g, rows.clone())).collect(),
            sets: self
                .sets
                .iter()
                .filter(|((g, _), _)| has(g))
                .map(|(key, set)| (*key, set.clone()))
                .collect(),
        }
    }

    fn add_organization(&mut self, detail: &Self) {
        for (key, row) in detail.rows(Group::Calls) {
            let (model, byok) = (key[1], key[4]);
            let key = self.key(detail, &[(Domain::Models, model)]);
            let paid_by_organization = (byok == 1).then(|| (Figure::ByokCost, cost(row)));
            let figures = row.figures().filter(|(figure, _)| !Figure::LATENCY.contains(figure));
            self.add(Group::OrgModels, key, figures.chain(paid_by_organization));
            self.add(Group::OrgWork, Key::default(), some(row, &Figure::LATENCY));
        }
        for (_, row) in detail.rows(Group::Tasks) {
            self.add(Group::OrgWork, Key::default(), row.figures());
        }
        for (key, row) in detail.rows(Group::Activity) {
            let kind = self.known_kind(detail, key[3]);
            self.add(Group::OrgActivity, [kind, 0, 0, 0, 0], row.figures());
        }
    }

    fn add_agents(&mut self, detail: &Self) {
        for (key, row) in detail.rows(Group::Calls).chain(detail.rows(Group::AgentCalls)) {
            let key = self.key(detail, &[(Domain::Agents, key[0])]);
            self.add(Group::Agents, key, of_agent(row));
            self.add(Group::Agents, key, some(row, &Figure::LATENCY));
        }
        for (key, row) in detail.rows(Group::Tasks) {
            let key = self.key(detail, &[(Domain::Agents, key[0])]);
            self.add(Group::Agents, key, row.figures());
        }
        for (key, row) in detail.rows(Group::Activity).filter(|(key, _)| key[0] != NONE) {
            let kind = self.known_kind(detail, key[3]);
            let [agent, ..] = self.key(detail, &[(Domain::Agents, key[0])]);
            self.add(Group::AgentActivity, [agent, kind, 0, 0, 0], row.figures());
        }
    }

    fn add_agent_models(&mut self, detail: &Self) {
        for (key, row) in detail.rows(Group::Calls).chain(detail.rows(Group::AgentCalls)) {
            let [_, _, task_type, length, _] = key;
            let key = self.key(detail, &[(Domain::Agents, key[0]), (Domain::Models, key[1])]);
            let [agent, model, ..] = key;
            self.add(Group::AgentModels, key, of_agent(row));
            let requests = some(row, &[Figure::Requests]);
            if task_type > 0 {
                self.add(Group::AgentTaskTypes, [agent, task_type, 0, 0, 0], requests);
            }
            if length > 0 {
                let tokens = row.figures().filter(|(figure, _)| figure.is_tokens());
                let tokens = tokens.filter(|_| long_context_step(length).is_some());
                let requests = some(row, &[Figure::Requests]);
                self.add(Group::AgentLengths, [agent, model, length, 0, 0], requests.chain(tokens));
            }
        }
    }

    /// The key with these names of another table.
    fn key(&mut self, other: &Self, names: &[(Domain, i32)]) -> Key {
        let mut key = Key::default();
        for (part, (domain, position)) in key.iter_mut().zip(names) {
            *part = other.name_at(*domain, *position).map_or(NONE, |name| self.name(*domain, name));
        }
        key
    }

    fn known_kind(&mut self, other: &Self, kind: i32) -> i32 {
        let kind = other.name_at(Domain::Kinds, kind).unwrap_or_default();
        let known = ACTIVITY_TYPES.into_iter().find(|known| *known == kind);
        self.name(Domain::Kinds, known.unwrap_or(OTHER_ACTIVITY))
    }
}

/// The long-context step that an input length has reached: its position in [`LONG_CONTEXT_STEPS`].
pub(super) fn long_context_step(length: i32) -> Option<usize> {
    let limit = INPUT_LENGTHS.get(usize::try_from(length).ok()?.checked_sub(1)?)?;
    LONG_CONTEXT_STEPS.iter().rposition(|step| step <= limit)
}

/// The whole cost, of its parts or as it is.
fn cost(row: Row<'_>) -> Amount {
    Figure::COST_PARTS.iter().chain([&Figure::Cost]).map(|part| row.get(*part)).sum()
}

fn some<'r>(row: Row<'r>, figures: &'r [Figure]) -> impl Iterator<Item = (Figure, Amount)> + 'r {
    figures.iter().map(move |figure| (*figure, row.get(*figure)))
}

/// What is kept of an agent's calls: the cost as one figure, and no units.
fn of_agent(row: Row<'_>) -> impl Iterator<Item = (Figure, Amount)> {
    let counts = [Figure::Requests, Figure::Errors, Figure::Unpriced].map(|figure| (figure, row.get(figure)));
    let tokens = row.figures().filter(|(figure, _)| figure.is_tokens());
    counts.into_iter().chain(tokens).chain([(Figure::Cost, cost(row))])
}
