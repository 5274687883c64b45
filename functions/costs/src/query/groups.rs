//! From values of dimensions to groups.

use std::borrow::Cow;
use std::collections::HashMap;

use ledger::dimension::{Dimension, NONE};
use ledger::ids::AgentId;
use ledger::roster::Agent;

use super::params::Params;

/// The departments that agents are registered for.
#[derive(Debug, Default)]
pub struct Departments(HashMap<AgentId, String>);

impl Departments {
    pub fn new(agents: impl IntoIterator<Item = Agent>) -> Self {
        Self(agents.into_iter().filter_map(|agent| Some((agent.id, agent.settings?.department?))).collect())
    }

    pub fn of(&self, agent: &AgentId) -> &str {
        self.0.get(agent).map_or(NONE, String::as_str)
    }
}

/// What to group and filter by.
pub struct Grouping<'q>(&'q Params);

impl<'q> Grouping<'q> {
    pub const fn new(params: &'q Params) -> Self {
        Self(params)
    }

    /// The group of what has these values; none if a filter excludes it.
    pub fn group<'v>(&self, value: impl Fn(&Dimension) -> Cow<'v, str>) -> Option<Vec<Cow<'v, str>>> {
        let passes = self.0.filters.iter().all(|filter| filter.values.contains(&*value(&filter.dimension)));
        passes.then(|| self.0.group_by.iter().map(value).collect())
    }
}
