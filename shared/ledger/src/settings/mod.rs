//! Settings of an organization: its agents, projects, plan, prices, budgets and alert destinations.

mod agent;
mod destination;
mod organization;
mod plan;
mod price;
mod project;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use agent::{AgentSettings, AgentStatus};
pub use destination::{DestinationSettings, MAX_DESTINATIONS, ROTATION_OVERLAP, Secret};
pub use organization::{AgentBudgetSettings, BudgetSettings, OrganizationSettings};
pub use plan::{BillingCycle, PlanSettings, PlanStatus};
pub use price::{ALL_MODELS, LongContextSettings, PriceSettings, PriceTerms};
pub use project::ProjectSettings;

use crate::cost::{self, CallCost, TokenCounts};
use crate::money::Usd;
use crate::pricing::{Book, Overrides, OwnPrices, PriceBook, Pricer, Prices};

/// The settings of an organization that ingest needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The reporting time zone, which determines the days.
    pub zone: Tz,
    /// The organization's own prices.
    pub own_prices: OwnPrices,
    /// The own prices that the older price book can express.
    pub overrides: Overrides,
    /// All settings of the organization itself, including the time zone.
    pub organization: OrganizationSettings,
    /// The subscription, if there is one.
    pub plan: Option<PlanSettings>,
}

impl Settings {
    /// The price book with the organization's own prices.
    pub const fn pricer(&self) -> Pricer<'_> {
        Pricer::new(Book::builtin(), &self.own_prices)
    }

    /// The cost of a call of `model` at `at`: by the organization's own price, else by the price book.
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
