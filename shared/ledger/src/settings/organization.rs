//! Settings of the organization itself, and its budgets.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::dimension::Dimension;
use crate::money::Usd;

/// The settings of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The reporting time zone that was asked for last. Days are cut by the [calendar](crate::calendar), which follows.
    pub timezone: Tz,
    /// Whether recommendations may suggest a cheaper model of another provider.
    pub cross_provider_recommendations: bool,
    /// The only models that may be recommended, as `provider/model` or by the model's id alone. Empty: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recommendation_allow_list: Vec<String>,
    /// OpenTelemetry resource attributes, by name, that become tags of the events that they come with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_attribute_tags: Vec<String>,
    /// The dimensions that the organization tracks.
    pub dimensions: Vec<Dimension>,
    /// Whether calls cost what LiteLLM and OpenTelemetry senders computed, where they did, and not what the price book says.
    pub charge_reported_costs: bool,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            name: None,
            timezone: Tz::UTC,
            cross_provider_recommendations: false,
            recommendation_allow_list: Vec::new(),
            resource_attribute_tags: Vec::new(),
            dimensions: Dimension::TRACKED_BY_DEFAULT.to_vec(),
            charge_reported_costs: false,
        }
    }
}

/// The budget of an organization, and the rules for alerts about all its budgets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetSettings {
    /// The monthly budget in US dollars. If absent, it is the sum of the agents' budgets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Usd>,
    /// The alert thresholds in percent of the budget, ascending. They apply to the agents' budgets as well.
    pub thresholds: Vec<u32>,
    /// Whether an alert is also sent when the forecast cost of the month reaches a threshold.
    pub forecast: bool,
}

/// The monthly budget of an agent, stored in an item of its own so that the budgets can be read in one query without
/// the agents. It is written in one transaction with the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentBudgetSettings {
    /// The budget in US dollars.
    pub monthly: Usd,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { monthly: None, thresholds: vec![50, 80, 100], forecast: true }
    }
}
