//! What a session's events add up to.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use ledger::event::{Data, Event};
use ledger::ids::AgentId;

use crate::query::figures::Figures;

/// The type of the activity of calling a tool.
const TOOL_CALL: &str = "tool_call";

/// Figures of a session.
#[derive(Clone, Debug)]
pub struct SessionFigures {
    /// The times of the first and the last event.
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    pub agents: BTreeSet<AgentId>,
    pub tool_calls: u64,
    pub figures: Figures,
}

impl Default for SessionFigures {
    fn default() -> Self {
        Self {
            first: DateTime::<Utc>::MAX_UTC,
            last: DateTime::<Utc>::MIN_UTC,
            agents: BTreeSet::new(),
            tool_calls: 0,
            figures: Figures::default(),
        }
    }
}

impl SessionFigures {
    pub fn add(&mut self, event: &Event) {
        self.first = self.first.min(event.time);
        self.last = self.last.max(event.time);
        self.agents.extend(agent_of(event).cloned());
        if let Data::AgentActivity(activity) = &event.data {
            self.tool_calls += u64::from(activity.event_type.as_str() == TOOL_CALL);
        }
        if let Some(figures) = Figures::of_event(&event.data) {
            self.figures += figures;
        }
    }

    /// Adds what other events of the session add up to.
    pub fn merge(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.agents.extend(other.agents);
        self.tool_calls += other.tool_calls;
        self.figures += other.figures;
    }
}

/// The agent that an event is about.
pub fn agent_of(event: &Event) -> Option<&AgentId> {
    match &event.data {
        Data::AgentActivity(activity) => activity.agent_id.as_ref(),
        _ => event.worker(),
    }
}
