//! Agents, and agents joined with their usage.

use std::collections::BTreeMap;

use crate::ids::AgentId;
use crate::rollup::Seen;
use crate::settings::{AgentSettings, AgentStatus};

/// An agent that is registered, was named by an event, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The agent's id.
    pub id: AgentId,
    /// Its settings, if it is registered.
    pub settings: Option<AgentSettings>,
    /// When events named it, if any did.
    pub seen: Option<Seen>,
}

impl Agent {
    /// The status. An unregistered agent is online.
    pub fn status(&self) -> AgentStatus {
        self.settings.as_ref().map(|settings| settings.status).unwrap_or_default()
    }

    /// The registered name, else the id.
    pub fn name(&self) -> &str {
        let registered = self.settings.as_ref().and_then(|settings| settings.name.as_deref());
        registered.unwrap_or(self.id.as_str())
    }

    /// The registered host, else the last one that an event named, else the id.
    pub fn hostname(&self) -> &str {
        let registered = self.settings.as_ref().and_then(|settings| settings.hostname.as_deref());
        let named = || self.seen.as_ref().and_then(|seen| seen.host.as_ref()).map(|host| host.value.as_str());
        registered.or_else(named).unwrap_or(self.id.as_str())
    }
}

/// An agent and its usage `U` in some period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<U> {
    /// The agent.
    pub agent: Agent,
    /// Its usage, if it has any.
    pub usage: Option<U>,
}

impl<U> Member<U> {
    /// Whether reports list the agent: it has usage, or it is registered and not archived.
    pub fn is_listed(&self) -> bool {
        let registered =
            || self.agent.settings.as_ref().is_some_and(|settings| settings.status != AgentStatus::Archived);
        self.usage.is_some() || registered()
    }
}

/// Joins agents with their usage, by id.
///
/// An agent's usage may be aggregated a moment before the registry lists the agent, so an agent that only `usage` has
/// is a member as well, without settings.
pub fn join<U>(agents: impl IntoIterator<Item = Agent>, mut usage: BTreeMap<AgentId, U>) -> Vec<Member<U>> {
    let listed = agents.into_iter().map(|agent| {
        let usage = usage.remove(&agent.id);
        Member { agent, usage }
    });
    let mut members: Vec<_> = listed.collect();
    members.extend(usage.into_iter().map(|(id, usage)| {
        let agent = Agent { id, settings: None, seen: None };
        Member { agent, usage: Some(usage) }
    }));
    members.sort_by(|one, other| one.agent.id.cmp(&other.agent.id));
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> AgentId {
        AgentId::new(text).unwrap()
    }

    fn registered(name: &str, status: AgentStatus) -> Agent {
        let settings = AgentSettings { status, ..AgentSettings::default() };
        Agent { id: id(name), settings: Some(settings), seen: None }
    }

    #[test]
    fn usage_without_an_agent_makes_a_member_and_members_are_ordered_by_id() {
        let agents = [registered("c", AgentStatus::Online), registered("a", AgentStatus::Paused)];
        let members = join(agents, [(id("b"), 2), (id("c"), 3)].into());
        let found: Vec<_> = members.iter().map(|member| (member.agent.id.as_str(), member.usage)).collect();
        assert_eq!(found, [("a", None), ("b", Some(2)), ("c", Some(3))]);
        assert_eq!(members[1].agent, Agent { id: id("b"), settings: None, seen: None });
    }

    #[test]
    fn archived_and_unregistered_agents_are_listed_only_with_usage() {
        let archived = registered("archived", AgentStatus::Archived);
        let unregistered = Agent { id: id("unregistered"), settings: None, seen: None };
        let agents = [archived, registered("paused", AgentStatus::Paused), unregistered];
        let listed = |usage: BTreeMap<AgentId, u64>| -> Vec<String> {
            let members = join(agents.clone(), usage).into_iter().filter(Member::is_listed);
            members.map(|member| member.agent.id.to_string()).collect()
        };
        assert_eq!(listed([].into()), ["paused"]);
        assert_eq!(listed([(id("archived"), 1)].into()), ["archived", "paused"]);
        assert_eq!(listed([(id("unregistered"), 1)].into()), ["paused", "unregistered"]);
    }
}
