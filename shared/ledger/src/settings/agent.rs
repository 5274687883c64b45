//! Settings of an agent.

use serde::{Deserialize, Serialize};

use crate::money::{Quantity, Usd};

/// The registered status of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// Working. The default, also for agents that are not registered.
    #[default]
    Online,
    /// Stopped temporarily.
    Paused,
    /// Not in operation yet.
    Draft,
    /// Unreachable.
    Offline,
    /// Retired. Its usage history is kept.
    Archived,
}

impl AgentStatus {
    /// The text of the status in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Paused => "paused",
            Self::Draft => "draft",
            Self::Offline => "offline",
            Self::Archived => "archived",
        }
    }
}

/// The registered settings of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSettings {
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The host that the agent runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The registered status.
    pub status: AgentStatus,
    /// The kind of work that the agent does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The department that the agent works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The job title of the agent's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_title: Option<String>,
    /// The provider of the agent's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_provider: Option<String>,
    /// The agent's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// The yearly salary of a person in the same role, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_equivalent_salary: Option<Usd>,
    /// The estimated hours of human work saved per month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_hours_saved: Option<Quantity>,
    /// The monthly budget, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_budget_monthly: Option<Usd>,
}
