//! What organizations set: of themselves, their agents, projects, plans, prices, budgets and alert destinations.

mod agent;
mod destination;
mod organization;
mod plan;
mod price;
mod project;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use agent::{AgentSettings, AgentStatus};
pub use destination::{DestinationSettings, MAX_DESTINATIONS, ROTATION, Secret};
pub use organization::{AgentBudgetSettings, BudgetSettings, OrganizationSettings};
pub use plan::{BillingCycle, PlanSettings, PlanStatus};
pub use price::{LongContextSettings, PriceSettings, RateSettings};
pub use project::ProjectSettings;

use crate::cost::{self, CallCost, TokenCounts};
use crate::money::Usd;
use crate::pricing::{Overrides, PriceBook, Prices};

/// What an organisation has set that decides how its events are taken in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone that cuts its days.
    pub zone: Tz,
    /// Its own prices.
    pub overrides: Overrides,
    /// All that it has set of itself, the zone included.
    pub organization: OrganizationSettings,
    /// Its subscription, where it has one.
    pub plan: Option<PlanSettings>,
}

impl Settings {
    /// What a call of `model` at `at` costs: at the organisation's own price, else at the book's.
    pub fn price_call(
        &self,
        provider: &str,
        model: &str,
        at: DateTime<Utc>,
        tokens: &TokenCounts,
        provider_cost: Option<Usd>,
    ) -> CallCost {
        let prices = Prices::new(PriceBook::builtin(), &self.overrides);
        cost::price_call(prices, provider, model, at, tokens, provider_cost)
    }
}
