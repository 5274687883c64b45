//! Attributes spans to agents, sessions and users: by a span's own attributes, or else by those of its nearest
//! ancestor.

use super::attributes::Attributes;
use super::sender::Origin;
use super::tree::Tree;
use crate::text;

const AGENT: &[&str] = &["gen_ai.agent.id", "gen_ai.agent.name", "agent.name"];
const SESSION: &[&str] = &[
    "gen_ai.conversation.id",
    "session.id",
    "ai.telemetry.metadata.sessionId",
    "traceloop.association.properties.session_id",
];
const USER: &[&str] = &[
    "user.id",
    "enduser.id",
    "litellm.end_user.id",
    "ai.telemetry.metadata.userId",
    "traceloop.association.properties.user_id",
];

/// The agent, session and user that an event is attributed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    pub agent: String,
    pub parent_agent: Option<String>,
    pub session: Option<String>,
    pub user: Option<String>,
}

impl Attribution {
    /// The attribution of an entry without ancestors.
    pub fn of(attributes: Attributes<'_>, origin: &Origin<'_>) -> Self {
        Self::nearest(&[attributes], origin)
    }

    /// The attribution of a span.
    pub fn of_span(tree: &Tree<'_>, node: usize) -> Self {
        let around = std::iter::once(node).chain(tree.ancestors(node));
        let attributes: Vec<_> = around.map(|node| tree.nodes[node].attributes).collect();
        Self::nearest(&attributes, &tree.origins[tree.nodes[node].origin])
    }

    fn nearest(around: &[Attributes<'_>], origin: &Origin<'_>) -> Self {
        let nearest = |names| around.iter().find_map(|attributes| attributes.text(names)).map(str::to_owned);
        let mut agents = around.iter().filter_map(|attributes| text::id(attributes.text(AGENT)?));
        let agent = agents.next();
        let parent_agent = agents.find(|other| Some(other) != agent.as_ref());
        let agent = agent.or_else(|| text::id(origin.service));
        Self {
            agent: agent.unwrap_or_else(|| "unknown_service".to_owned()),
            parent_agent,
            session: nearest(SESSION),
            user: nearest(USER),
        }
    }
}
