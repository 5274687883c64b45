//! What an organisation sets of itself, and its budget.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::money::Usd;

/// What is set of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The zone that cuts its days.
    pub timezone: Tz,
    /// Whether a cheaper model may be recommended to it that another provider offers.
    pub cross_provider_recommendations: bool,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self { name: None, timezone: Tz::UTC, cross_provider_recommendations: false }
    }
}

/// What an organisation means to spend a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetSettings {
    /// The sum of all; none: its agents' budgets together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Usd>,
    /// The shares at which it wants to hear of it, in percent, ascending. They hold for its agents' budgets as well.
    pub thresholds: Vec<u32>,
    /// Whether it wants to hear of it already when the month is likely to reach one.
    pub forecast: bool,
}

/// What an agent may cost a month, in an item of its own beside the agent's: whoever watches budgets reads them all in
/// one stretch, and none of the agents. It is written with the agent, in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentBudgetSettings {
    /// The sum.
    pub monthly: Usd,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { monthly: None, thresholds: vec![50, 80, 100], forecast: true }
    }
}
