//! Settings of an agent.

use serde::{Deserialize, Serialize};

use crate::money::{Quantity, Usd};

/// Whether an agent is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// At work; what an agent is that nobody has registered.
    #[default]
    Online,
    /// Stopped for a while.
    Paused,
    /// Not yet at work.
    Draft,
    /// Not reachable.
    Offline,
    /// Gone; its history stays.
    Archived,
}

impl AgentStatus {
    /// The status as the API writes it.
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

/// What is set of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSettings {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Whether it is at work.
    pub status: AgentStatus,
    /// What kind of work it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whom it works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_title: Option<String>,
    /// The provider of its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_provider: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// What a person in its role earns a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_equivalent_salary: Option<Usd>,
    /// Hours of human work that it is thought to save a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_hours_saved: Option<Quantity>,
    /// What it may cost a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_budget_monthly: Option<Usd>,
}
