//! Chooses the cheapest model on offer that could have done an agent's work.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use ledger::money::{MAX_SCALE, Usd, round};
use ledger::pricing::{Category, PriceRef, PricedModel};
use rust_decimal::Decimal;

use super::catalog::Offer;
use super::token_mix::TokenMix;

/// Length in days of both the window and a month.
pub const DAYS: u32 = 30;
/// Minimum monthly saving worth showing: 1.00 USD, in picodollars.
const MIN_SAVING_PER_MONTH: i128 = 1_000_000_000_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    pub requests: u64,
    pub errors: u64,
}

impl CallCounts {
    /// Whether these calls fail more often than `others`, by more than 2 percentage points.
    fn fail_more_than(self, others: Self) -> bool {
        let [requests, errors, other_requests, other_errors] =
            [self.requests, self.errors, others.requests, others.errors].map(i128::from);
        50 * (errors * other_requests - other_errors * requests) > requests * other_requests
    }
}

/// The calls that an agent made, by provider and id of the model, with aliases resolved.
pub type CallsByModel<'a> = BTreeMap<(&'a str, &'a str), CallCounts>;

/// An agent's usage of its current model.
#[derive(Clone, Debug)]
pub struct Current<'a> {
    /// Today's price.
    pub price: PriceRef<'a>,
    pub model: &'a PricedModel,
    pub mix: TokenMix,
    pub calls: CallCounts,
    /// The cost as it was recorded.
    pub recorded: Usd,
    /// Days since the first call in the window, today included.
    pub days: u32,
    /// The tier that the agent's work needs.
    pub needed: Category,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// Current cost in picodollars.
    pub cost_now: i128,
    /// Saving in picodollars.
    pub saved: i128,
    /// The days over which it would have been saved.
    pub days: u32,
}

impl Current<'_> {
    /// The recorded cost, or the cost at today's prices if that is lower. So a price that has fallen since does not
    /// count as a saving, nor does a discount that shows in the provider's own figures.
    fn cost_now(&self) -> i128 {
        pico(self.recorded).min(self.mix.min_cost(self.price))
    }

    /// Whether the offered model could do the agent's work.
    fn is_eligible(&self, offer: &Offer<'_>, tried: &CallsByModel<'_>) -> bool {
        let tried = tried.get(&(&*offer.model.provider, &*offer.model.model));
        !offer.is(self.model)
            && offer.price.category() >= self.needed
            && offer.max_input >= self.mix.longest_input
            && !tried.is_some_and(|calls| calls.fail_more_than(self.calls))
    }

    /// The offer that saves most, if it saves enough; among equals the first by model.
    ///
    /// A price has many parts, such as cache and long-context rates. Which of two prices is lower depends on the
    /// agent's own tokens, so only the resulting cost is compared.
    pub fn best<'o, 'a>(
        &self,
        offers: impl IntoIterator<Item = &'o Offer<'a>>,
        tried: &CallsByModel<'_>,
    ) -> Option<(&'o Offer<'a>, Saving)>
    where
        'a: 'o,
    {
        let cost_now = self.cost_now();
        let offers = offers.into_iter().filter(|offer| self.is_eligible(offer, tried));
        let saving = |offer: &Offer<'_>| {
            let saved = cost_now - self.mix.max_cost(offer.price);
            Saving { cost_now, saved, days: self.days }
        };
        let best = offers.map(|offer| (offer, saving(offer))).min_by_key(|(offer, saving)| {
            let model = offer.price.model;
            (Reverse(saving.saved), &*model.model, &*model.provider)
        });
        best.filter(|(_, saving)| saving.is_worth_showing())
    }
}

/// The least common multiple of 1 to [`DAYS`]. Savings per day have no finite decimal form, so they are added and
/// compared over this denominator.
const COMMON: i128 = 2_329_089_562_800;

impl Saving {
    fn is_worth_showing(self) -> bool {
        let enough = self.per_month() >= MIN_SAVING_PER_MONTH * COMMON;
        self.saved > 0 && self.saved.saturating_mul(10) >= self.cost_now && enough
    }

    /// The saving per 30 days, in picodollars times [`COMMON`]. There is room for 10^12 dollars.
    pub fn per_month(self) -> i128 {
        self.saved.saturating_mul(i128::from(DAYS) * (COMMON / i128::from(self.days.clamp(1, DAYS))))
    }
}

/// The sum of monthly savings, rounded half-even to 6 decimals once.
pub fn total_per_month(savings: impl IntoIterator<Item = Saving>) -> Usd {
    /// One unit of the last decimal that is shown.
    const PLACE: i128 = 1_000_000 * COMMON;
    let sum = savings.into_iter().map(Saving::per_month).fold(0, i128::saturating_add);
    let (whole, rest) = (sum / PLACE, sum % PLACE);
    let up = match (rest * 2).cmp(&PLACE) {
        Ordering::Less => 0,
        Ordering::Equal => whole % 2,
        Ordering::Greater => 1,
    };
    Usd::new(Decimal::from_i128_with_scale(whole + up, 6))
}

/// An amount in picodollars. Further digits of a provider's own figure are dropped; they do not matter here.
fn pico(amount: Usd) -> i128 {
    let amount = round(amount.dollars(), MAX_SCALE);
    amount.mantissa() * 10_i128.pow(MAX_SCALE - amount.scale())
}

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
