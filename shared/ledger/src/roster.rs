//! Agents as the registry knows them.

use crate::ids::AgentId;
use crate::rollup::Seen;
use crate::settings::{AgentSettings, AgentStatus};

/// What is known of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// What was set, where someone registered it.
    pub settings: Option<AgentSettings>,
    /// What its events told, where there were any.
    pub seen: Option<Seen>,
}

impl Agent {
    /// Its status; an agent that nobody registered is at work.
    pub fn status(&self) -> AgentStatus {
        self.settings.as_ref().map(|settings| settings.status).unwrap_or_default()
    }

    /// What people call it: its id where nobody has said.
    pub fn name(&self) -> &str {
        let registered = self.settings.as_ref().and_then(|settings| settings.name.as_deref());
        registered.unwrap_or(self.id.as_str())
    }

    /// Its host: as registered, else the last one that an event named, else its id.
    pub fn hostname(&self) -> &str {
        let registered = self.settings.as_ref().and_then(|settings| settings.hostname.as_deref());
        let named = || self.seen.as_ref().and_then(|seen| seen.host.as_ref()).map(|host| host.value.as_str());
        registered.or_else(named).unwrap_or(self.id.as_str())
    }
}
