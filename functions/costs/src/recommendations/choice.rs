//! Which of the models on offer would have done an agent's work for least.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use ledger::money::{MAX_SCALE, Usd, round};
use ledger::pricing::{Category, PriceRef, PricedModel};
use rust_decimal::Decimal;

use super::market::Offer;
use super::mix::Mix;

/// Days of the window, and of a month.
pub const DAYS: u32 = 30;
/// A saving is worth showing from so much a month on: 1.00 USD, in picodollars.
const LEAST_A_MONTH: i128 = 1_000_000_000_000;

/// Calls, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
}

impl Calls {
    /// Whether these fail more often than `others`, by more than 2 of a hundred.
    fn fail_more_than(self, others: Self) -> bool {
        let [requests, errors, other_requests, other_errors] =
            [self.requests, self.errors, others.requests, others.errors].map(i128::from);
        50 * (errors * other_requests - other_errors * requests) > requests * other_requests
    }
}

/// The calls that an agent made of models, by provider and id, whatever alias they went by.
pub type Tried<'a> = BTreeMap<(&'a str, &'a str), Calls>;

/// An agent's use of the model that it has.
#[derive(Clone, Debug)]
pub struct Current<'a> {
    /// What the model costs today.
    pub price: PriceRef<'a>,
    /// The model.
    pub model: &'a PricedModel,
    /// Its tokens.
    pub mix: Mix,
    /// Its calls.
    pub calls: Calls,
    /// What they cost, as it was recorded.
    pub recorded: Usd,
    /// The days since the first of them within the window, today included.
    pub days: u32,
    /// The tier that the agent's work needs.
    pub needed: Category,
}

/// What an agent would save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// What its calls cost now, in picodollars.
    pub cost_now: i128,
    /// How much less they would have cost, in picodollars.
    pub saved: i128,
    /// The days in which it would have been saved.
    pub days: u32,
}

impl Current<'_> {
    /// What the calls cost now: what was recorded, or what today's prices make of them, if that is less. So neither a
    /// price that has fallen since nor a rate that the provider's own figures show to be lower counts as a saving.
    fn cost_now(&self) -> i128 {
        pico(self.recorded).min(self.mix.at_least(self.price))
    }

    /// Whether the agent could do its work with what is on offer.
    fn could_be(&self, offer: &Offer<'_>, tried: &Tried<'_>) -> bool {
        let tried = tried.get(&(&*offer.model.provider, &*offer.model.model));
        !offer.is(self.model)
            && offer.price.category() >= self.needed
            && offer.max_input >= self.mix.longest_input
            && !tried.is_some_and(|calls| calls.fail_more_than(self.calls))
    }

    /// The offer that saves most, if it saves enough to speak of; of several the first by model.
    ///
    /// A price has many parts, for caches and long inputs too. Which of two is the lower is decided by what they come
    /// to on the agent's own tokens, so a saving is all that tells a lower price.
    pub fn best<'o, 'a>(
        &self,
        offers: impl IntoIterator<Item = &'o Offer<'a>>,
        tried: &Tried<'_>,
    ) -> Option<(&'o Offer<'a>, Saving)>
    where
        'a: 'o,
    {
        let cost_now = self.cost_now();
        let offers = offers.into_iter().filter(|offer| self.could_be(offer, tried));
        let saving = |offer: &Offer<'_>| {
            let saved = cost_now - self.mix.at_most(offer.price);
            Saving { cost_now, saved, days: self.days }
        };
        let best = offers.map(|offer| (offer, saving(offer))).min_by_key(|(offer, saving)| {
            let model = offer.price.model;
            (Reverse(saving.saved), &*model.model, &*model.provider)
        });
        best.filter(|(_, saving)| saving.is_worth_it())
    }
}

/// The least common multiple of all numbers of days up to [`DAYS`]: thirtieths, twenty-ninths and so on have no
/// decimal form, so they are added up and compared over this denominator.
const COMMON: i128 = 2_329_089_562_800;

impl Saving {
    fn is_worth_it(self) -> bool {
        let enough = self.a_month() >= LEAST_A_MONTH * COMMON;
        self.saved > 0 && self.saved.saturating_mul(10) >= self.cost_now && enough
    }

    /// Of 30 days, in picodollars by [`COMMON`]. There is room for a million million dollars.
    pub fn a_month(self) -> i128 {
        self.saved.saturating_mul(i128::from(DAYS) * (COMMON / i128::from(self.days.clamp(1, DAYS))))
    }
}

/// The savings of a month together, rounded half-even to 6 places once.
pub fn total_a_month(savings: impl IntoIterator<Item = Saving>) -> Usd {
    /// One in the last place that is written.
    const PLACE: i128 = 1_000_000 * COMMON;
    let sum = savings.into_iter().map(Saving::a_month).fold(0, i128::saturating_add);
    let (whole, rest) = (sum / PLACE, sum % PLACE);
    let up = match (rest * 2).cmp(&PLACE) {
        Ordering::Less => 0,
        Ordering::Equal => whole % 2,
        Ordering::Greater => 1,
    };
    Usd::new(Decimal::from_i128_with_scale(whole + up, 6))
}

/// An amount in picodollars. A provider's own figure may have more digits than that; they decide nothing here.
fn pico(amount: Usd) -> i128 {
    let amount = round(amount.dollars(), MAX_SCALE);
    amount.mantissa() * 10_i128.pow(MAX_SCALE - amount.scale())
}

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
