//! Settings of an organization: its agents, projects, plan, prices, budgets and alert destinations.

mod agent;
mod alert_rule;
mod destination;
mod key;
mod organization;
mod plan;
mod price;
mod project;

use chrono::{DateTime, Utc};

pub use agent::{AgentSettings, AgentStatus};
pub use alert_rule::{
    AlertCondition, AlertDimension, AlertPeriod, AlertRuleSettings, AlertScope, MAX_ALERT_RULES,
    MAX_MEAN_DAYS, is_spike,
};
pub use destination::{DestinationSettings, MAX_DESTINATIONS, MessageFormat, ROTATION_OVERLAP, Secret};
pub use key::{KeySettings, MAX_KEYS};
pub use organization::{AgentBudgetSettings, BudgetSettings, OrganizationSettings};
pub use plan::{BillingCycle, PlanSettings, PlanStatus};
pub use price::{ALL_MODELS, LongContextSettings, MAX_OWN_PRICES, PriceSettings, PriceTerms};
pub use project::ProjectSettings;

use crate::calendar::{Calendar, TrackedDimensions};
use crate::cost::{self, CallCost};
use crate::event::LlmCall;
use crate::pricing::{Book, Call, OwnPrices, Pricer, Rate, Unpriced};

/// The settings of an organization that events are priced by, and that figures are shown by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The calendar that figures are shown by.
    pub calendar: Calendar,
    /// The dimensions that the rollups of that calendar tell apart.
    pub tracked: TrackedDimensions,
    /// The organization's own prices.
    pub own_prices: OwnPrices,
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

    /// The cost of a call made at `at`.
    pub fn price_call<Cost>(&self, call: &LlmCall<Cost>, at: DateTime<Utc>) -> CallCost {
        // A unit that the book has no name for has no price either; any of them stands for all.
        let unit = |name: &str| Rate::from_name(name).filter(|rate| rate.is_unit());
        let units: Vec<_> =
            call.units.iter().filter_map(|(name, count)| Some((unit(name)?, count.0))).collect();
        let priced = Call {
            provider: call.provider.as_str(),
            model: call.model.as_str(),
            at,
            service_tier: call.service_tier.as_ref().map_or("", |tier| tier.as_str()),
            region: call.region.as_ref().map_or("", |region| region.as_str()),
            tokens: call.tokens,
            units: &units,
        };
        let mut cost = cost::price_call(self.pricer(), &priced, call.cost_usd);
        if call.cost_usd.is_none() && units.len() < call.units.len() {
            cost.unpriced = cost.unpriced.or(Some(Unpriced::NoPriceForUnit));
        }
        cost
    }
}
