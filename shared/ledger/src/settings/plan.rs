//! The subscription of an organisation.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How a subscription stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// There is none.
    #[default]
    None,
    /// On trial.
    Trialing,
    /// Paid for.
    Active,
    /// A payment is late.
    PastDue,
    /// No payment came, and none is expected any more.
    Unpaid,
    /// Stopped for a while.
    Paused,
    /// Ended.
    Canceled,
    /// The first payment is yet to come.
    Incomplete,
}

impl PlanStatus {
    /// The status as the API writes it.
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

/// How long a billing period is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BillingCycle {
    /// A month.
    #[default]
    Monthly,
    /// A year.
    Annual,
}

impl BillingCycle {
    /// The cycle as the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Annual => "annual",
        }
    }
}

/// What is set of a subscription. The default is to have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanSettings {
    /// What the plan is called.
    pub plan_name: String,
    /// What the product is called.
    pub product_name: String,
    /// How it stands.
    pub status: PlanStatus,
    /// The tier's id; empty where there is none.
    pub tier_id: String,
    /// The tier's short name; empty where there is none.
    pub tier_slug: String,
    /// How long a period is.
    pub billing_cycle: BillingCycle,
    /// What a period costs, in cents.
    pub price_cents: u64,
    /// Tokens that a period includes.
    pub token_allowance: u64,
    /// Calls that a period includes.
    pub api_call_limit: u64,
    /// Conversations that a period includes.
    pub conversation_limit: u64,
    /// Agents that it includes.
    pub instance_limit: u64,
    /// Sites that a node may host.
    pub max_sites_per_node: u64,
    /// When the period begins that the others are counted from. Set together with its end, or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_period_start: Option<DateTime<Utc>>,
    /// When it ends, which is after it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_period_end: Option<DateTime<Utc>>,
    /// When the trial ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<DateTime<Utc>>,
    /// The tiers that are subscribed to.
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
