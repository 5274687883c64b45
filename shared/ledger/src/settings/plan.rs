//! The subscription of an organization.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The status of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// There is no subscription.
    #[default]
    None,
    /// In its trial period.
    Trialing,
    /// Paid for.
    Active,
    /// A payment is overdue.
    PastDue,
    /// Payments failed for good; no further attempt is made.
    Unpaid,
    /// Suspended temporarily.
    Paused,
    /// Ended.
    Canceled,
    /// The first payment is outstanding.
    Incomplete,
}

impl PlanStatus {
    /// The text of the status in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The length of a billing period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BillingCycle {
    /// One month.
    #[default]
    Monthly,
    /// One year.
    Annual,
}

impl BillingCycle {
    /// The text of the cycle in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Annual => "annual",
        }
    }
}

/// The settings of a subscription. The default is to have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanSettings {
    /// The display name of the plan.
    pub plan_name: String,
    /// The display name of the product.
    pub product_name: String,
    /// The status of the subscription.
    pub status: PlanStatus,
    /// The id of the tier. Empty if there is none.
    pub tier_id: String,
    /// The short name of the tier. Empty if there is none.
    pub tier_slug: String,
    /// The length of a billing period.
    pub billing_cycle: BillingCycle,
    /// The price of a billing period, in US cents.
    pub price_cents: u64,
    /// Tokens included per billing period.
    pub token_allowance: u64,
    /// Calls included per billing period.
    pub api_call_limit: u64,
    /// Conversations included per billing period.
    pub conversation_limit: u64,
    /// Agents included in the plan.
    pub instance_limit: u64,
    /// Sites that one node may host.
    pub max_sites_per_node: u64,
    /// The start of the billing period from which all others are derived. Set together with its end, or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_period_start: Option<DateTime<Utc>>,
    /// The end of that period, which is after its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_period_end: Option<DateTime<Utc>>,
    /// The end of the trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<DateTime<Utc>>,
    /// The ids of the subscribed tiers.
    pub subscribed_tier_ids: Vec<String>,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self {
            plan_name: "No Plan".to_owned(),
            product_name: String::new(),
            status: PlanStatus::None,
            tier_id: String::new(),
            tier_slug: String::new(),
            billing_cycle: BillingCycle::Monthly,
            price_cents: 0,
            token_allowance: 100_000,
            api_call_limit: 10_000,
            conversation_limit: 1_000,
            instance_limit: 1,
            max_sites_per_node: 25,
            current_period_start: None,
            current_period_end: None,
            trial_ends_at: None,
            subscribed_tier_ids: Vec::new(),
        }
    }
}
