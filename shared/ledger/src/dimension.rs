//! Dimensions: what figures can be told apart by.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Attribution, Data, Event, LlmCall, TaskCompleted};
use crate::ids::{AgentId, Label, ProjectId};
use crate::tags::is_tag_name;

/// The value of an event that does not say: so the sum over all values is the total.
pub const NONE: &str = "(none)";

/// Precedes a tag's name in the name of its dimension.
const TAG: &str = "tag.";

/// The most dimensions that an organization tracks.
pub const MAX_TRACKED: usize = 8;

/// What figures can be told apart by. It is serialized by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dimension {
    /// The agent.
    Agent,
    /// The model, as events spell it.
    Model,
    /// The provider, by the price book's id if it has one.
    Provider,
    /// The department that the agent is registered for.
    Department,
    /// The project that the work was done for.
    ProjectId,
    /// The person on whose behalf the agent called.
    EndUser,
    /// The kind of task.
    TaskType,
    /// The session, or conversation.
    SessionId,
    /// The service tier; none: standard.
    ServiceTier,
    /// Where the call ran.
    Region,
    /// The host that the agent ran on.
    Hostname,
    /// The agent on whose behalf the agent worked.
    ParentAgentId,
    /// The tag with this name.
    Tag(String),
}

impl Dimension {
    /// Every dimension but tags, by name.
    pub const NAMED: [(&'static str, Self); 12] = [
        ("agent", Self::Agent),
        ("model", Self::Model),
        ("provider", Self::Provider),
        ("department", Self::Department),
        ("project_id", Self::ProjectId),
        ("end_user", Self::EndUser),
        ("task_type", Self::TaskType),
        ("session_id", Self::SessionId),
        ("service_tier", Self::ServiceTier),
        ("region", Self::Region),
        ("hostname", Self::Hostname),
        ("parent_agent_id", Self::ParentAgentId),
    ];

    /// Those that an organization tracks until it says otherwise.
    pub const TRACKED_BY_DEFAULT: [Self; 2] = [Self::ProjectId, Self::TaskType];

    /// The dimension with this name.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(tag) = name.strip_prefix(TAG) {
            return is_tag_name(tag).then(|| Self::Tag(tag.to_owned()));
        }
        let name = if name == "conversation_id" { "session_id" } else { name };
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, dimension)| dimension)
    }

    /// Whether an organization may track it: figures by the others are rolled up always, or follow from those.
    pub const fn is_trackable(&self) -> bool {
        !matches!(self, Self::Agent | Self::Model | Self::Provider | Self::Department)
    }

    /// The names of all dimensions, for people.
    pub fn known() -> String {
        Self::named(|_| true)
    }

    /// The names of those that can be tracked, for people.
    pub fn known_trackable() -> String {
        Self::named(Self::is_trackable)
    }

    fn named(which: impl Fn(&Self) -> bool) -> String {
        let named = Self::NAMED.iter().filter(|(_, dimension)| which(dimension));
        let names: Vec<_> = named.map(|(name, _)| format!("'{name}'")).collect();
        format!("{} or 'tag.' and the name of a tag", names.join(", "))
    }

    /// What an event says; none if it does not, or if the registry has to be asked. Only calls and tasks have figures
    /// that can be told apart, and a task has no model.
    pub fn value<'e>(&self, event: &'e Event) -> Option<Cow<'e, str>> {
        self.value_of(&event.data)
    }

    /// The same, of an event's data.
    pub fn value_of<'d>(&self, data: &'d Data) -> Option<Cow<'d, str>> {
        let said = match data {
            Data::LlmCall(call) => self.of_call(call),
            Data::TaskCompleted(task) => self.of_task(task),
            Data::AgentActivity(_) | Data::ComputeUsage(_) | Data::HostReport(_) | Data::Amendment(_) => {
                return None;
            }
        };
        said.or_else(|| self.of_attribution(data.attribution()?))
    }

    fn of_call<'e>(&self, call: &'e LlmCall) -> Option<Cow<'e, str>> {
        match self {
            Self::Agent => Some(call.agent_id.as_str().into()),
            Self::Model => Some(call.model.as_str().into()),
            Self::Provider => Some(call.provider_id().into()),
            Self::ProjectId => project(call.project_id.as_ref()),
            Self::EndUser => label(call.end_user.as_ref()),
            Self::TaskType => label(call.task_type.as_ref()),
            Self::ServiceTier => label(call.service_tier.as_ref()),
            Self::Region => label(call.region.as_ref()),
            Self::Hostname => label(call.hostname.as_ref()),
            _ => None,
        }
    }

    fn of_task<'e>(&self, task: &'e TaskCompleted) -> Option<Cow<'e, str>> {
        match self {
            Self::Agent => Some(task.agent_id.as_str().into()),
            Self::ProjectId => project(task.project_id.as_ref()),
            Self::TaskType => label(task.task_type.as_ref()),
            _ => None,
        }
    }

    fn of_attribution<'e>(&self, attribution: &'e Attribution) -> Option<Cow<'e, str>> {
        match self {
            Self::SessionId => label(attribution.session_id.as_ref()),
            Self::ParentAgentId => attribution.parent_agent_id.as_ref().map(|agent| agent.as_str().into()),
            Self::Tag(name) => {
                let value = attribution.tags.get(name).or_else(|| attribution.key_tags.get(name));
                value.map(|value| value.as_str().into())
            }
            _ => None,
        }
    }
}

fn label(label: Option<&Label>) -> Option<Cow<'_, str>> {
    label.map(|label| label.as_str().into())
}

fn project(project: Option<&ProjectId>) -> Option<Cow<'_, str>> {
    project.map(|project| project.as_str().into())
}

/// The name, as [`Dimension::parse`] takes it.
impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Tag(tag) = self {
            return write!(f, "{TAG}{tag}");
        }
        let named = Self::NAMED.iter().find(|(_, dimension)| dimension == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> Self {
        dimension.to_string()
    }
}

impl TryFrom<String> for Dimension {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("{name:?} is not a dimension"))
    }
}

impl Event {
    /// The agent that made the call or did the task.
    pub const fn worker(&self) -> Option<&AgentId> {
        match &self.data {
            Data::LlmCall(call) => Some(&call.agent_id),
            Data::TaskCompleted(task) => Some(&task.agent_id),
            Data::AgentActivity(_) | Data::ComputeUsage(_) | Data::HostReport(_) | Data::Amendment(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_parsed_as_they_are_written() {
        let tag = Dimension::Tag("team.x-1".to_owned());
        let all = Dimension::NAMED.into_iter().map(|(_, dimension)| dimension).chain([tag]);
        for dimension in all {
            let stored = serde_json::to_string(&dimension).unwrap();
            assert_eq!(serde_json::from_str::<Dimension>(&stored).unwrap(), dimension);
            assert_eq!(Dimension::parse(&dimension.to_string()), Some(dimension));
        }
        assert_eq!(Dimension::parse("conversation_id"), Some(Dimension::SessionId));
        for unknown in ["", "Agent", "agents", "tag.", "tag.A", "tag", "tag.a b", "cost"] {
            assert_eq!(Dimension::parse(unknown), None, "{unknown}");
        }
    }
}
