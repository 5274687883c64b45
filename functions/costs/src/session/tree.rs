//! The agents of a session, each under the one on whose behalf it works.

use std::collections::{BTreeMap, BTreeSet};

use ledger::ids::AgentId;
use serde::Serialize;

use crate::query::figures::{Known, Measures};
use crate::sessions::SessionFigures;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    agent_id: AgentId,
    tool_calls: u64,
    /// Of the agent alone.
    #[serde(flatten)]
    measures: Measures,
    children: Vec<Node>,
}

/// The most agents under each other. Many readers of JSON refuse more than a hundred levels, and each agent is two.
const MAX_DEPTH: usize = 32;

/// The roots, by id. An agent that others name as their parent has a node even without events of its own. If agents name
/// each other in a circle, the first of them by id is a root. So is one below [`MAX_DEPTH`] others.
pub fn tree(
    agents: &BTreeMap<&AgentId, SessionFigures>,
    parents: &BTreeMap<&AgentId, &AgentId>,
) -> Vec<Node> {
    let mut children: BTreeMap<&AgentId, Vec<&AgentId>> = BTreeMap::new();
    for (child, parent) in parents.iter().filter(|(child, parent)| child != parent) {
        children.entry(parent).or_default().push(child);
    }
    let all: BTreeSet<&AgentId> = agents.keys().chain(parents.values()).copied().collect();
    let is_root = |agent: &&&AgentId| parents.get(**agent).is_none_or(|parent| *parent == **agent);
    let mut builder = Builder { agents, children: &children, placed: BTreeSet::new(), deeper: Vec::new() };
    // What is left after the roots is in circles.
    let (roots, others): (Vec<_>, Vec<_>) = all.iter().partition(is_root);
    let mut nodes = Vec::new();
    for agent in roots.into_iter().chain(others) {
        nodes.extend(builder.node(agent, 0));
        while let Some(deeper) = builder.deeper.pop() {
            nodes.extend(builder.node(deeper, 0));
        }
    }
    nodes.sort_by(|one, other| one.agent_id.cmp(&other.agent_id));
    nodes
}

struct Builder<'a> {
    agents: &'a BTreeMap<&'a AgentId, SessionFigures>,
    children: &'a BTreeMap<&'a AgentId, Vec<&'a AgentId>>,
    placed: BTreeSet<&'a AgentId>,
    /// Agents that are too deep to be under their parents.
    deeper: Vec<&'a AgentId>,
}

impl<'a> Builder<'a> {
    /// The node of an agent under `depth` others, unless it has one.
    fn node(&mut self, agent: &'a AgentId, depth: usize) -> Option<Node> {
        if depth == MAX_DEPTH {
            self.deeper.push(agent);
            return None;
        }
        if !self.placed.insert(agent) {
            return None;
        }
        let below = self.children.get(agent).map(Vec::as_slice).unwrap_or_default();
        let children = below.iter().filter_map(|child| self.node(child, depth + 1)).collect();
        let session = self.agents.get(agent).cloned().unwrap_or_default();
        Some(Node {
            agent_id: agent.clone(),
            tool_calls: session.tool_calls,
            measures: Measures::new(&session.figures, Known::ALL),
            children,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(nodes: &[Node]) -> Vec<String> {
        nodes
            .iter()
            .flat_map(|node| [vec![node.agent_id.to_string()], ids(&node.children)].concat())
            .collect()
    }

    fn shape(nodes: &[Node]) -> String {
        let node = |node: &Node| match &*node.children {
            [] => node.agent_id.to_string(),
            children => format!("{}({})", node.agent_id, shape(children)),
        };
        nodes.iter().map(node).collect::<Vec<_>>().join(" ")
    }

    fn built(seen: &BTreeSet<u8>, parents: &BTreeMap<u8, u8>) -> Vec<Node> {
        let names: BTreeMap<u8, AgentId> =
            (0..10).map(|agent| (agent, AgentId::new(agent.to_string()).unwrap())).collect();
        let agents = seen.iter().map(|agent| (&names[agent], SessionFigures::default())).collect();
        tree(&agents, &parents.iter().map(|(child, parent)| (&names[child], &names[parent])).collect())
    }

    #[test]
    fn agents_are_under_their_parents() {
        let of = |seen: &[u8], parents: &[(u8, u8)]| {
            shape(&built(&seen.iter().copied().collect(), &parents.iter().copied().collect()))
        };
        assert_eq!(of(&[1, 2, 3], &[]), "1 2 3");
        assert_eq!(of(&[1, 2, 3, 4], &[(2, 1), (3, 2), (4, 1)]), "1(2(3) 4)");
        // A parent without events, an agent that is its own parent, and a circle with a tail.
        assert_eq!(of(&[2], &[(2, 9)]), "9(2)");
        assert_eq!(of(&[1], &[(1, 1)]), "1");
        assert_eq!(of(&[1, 2, 3, 4], &[(1, 2), (2, 3), (3, 1), (4, 3)]), "1(3(2 4))");
    }

    #[test]
    fn no_row_of_agents_is_too_deep() {
        let names: Vec<_> = (0..3_000).map(|agent| AgentId::new(format!("{agent:04}")).unwrap()).collect();
        let agents = names.iter().map(|agent| (agent, SessionFigures::default())).collect();
        let nodes = tree(&agents, &names.iter().skip(1).zip(&names).collect());
        assert_eq!((nodes.len(), ids(&nodes).len()), (3_000_usize.div_ceil(MAX_DEPTH), 3_000));
        assert_eq!(nodes[1].agent_id.as_str(), "0032");
    }

    proptest! {
        #[test]
        fn every_agent_has_one_node(
            seen in prop::collection::btree_set(0_u8..10, 0..10),
            parents in prop::collection::btree_map(0_u8..10, 0_u8..10, 0..10),
        ) {
            let parents: BTreeMap<u8, u8> = parents.into_iter().filter(|(child, _)| seen.contains(child)).collect();
            let mut found = ids(&built(&seen, &parents));
            found.sort();
            let all: BTreeSet<u8> = seen.iter().chain(parents.values()).copied().collect();
            prop_assert_eq!(found, all.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}
