//! Chooses the cheapest model on offer that could have done an agent's work.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use ledger::money::{MAX_SCALE, Usd, round};
use ledger::pricing::FamilyTier;
use rust_decimal::Decimal;

use super::model::{Candidate, InUse, ModelId, Offer};
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

/// The calls that an agent made, by model.
pub type CallsByModel = BTreeMap<ModelId, CallCounts>;

/// An agent's usage of its current model.
#[derive(Clone, Debug)]
pub struct Current {
    pub model: InUse,
    pub mix: TokenMix,
    pub calls: CallCounts,
    /// The cost as it was recorded.
    pub recorded: Usd,
    /// Days since the first call in the window, today included.
    pub days: u32,
    /// The tier that the agent's work needs.
    pub needed: FamilyTier,
    /// Whether models of other developers may be recommended.
    pub any_developer: bool,
}

/// The difference in cost between the current model and another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// Current cost in picodollars.
    pub cost_now: i128,
    /// Saving in picodollars; negative if the other model costs more.
    pub saved: i128,
    /// The days over which it would have been saved.
    pub days: u32,
}

impl Current {
    /// The recorded cost, or the cost at today's prices if that is lower. So a price that has fallen since does not
    /// count as a saving, nor does a discount that shows in the provider's own figures. Where today's prices lack one,
    /// some calls may have been unpriced, and the recorded cost is the lower bound.
    fn cost_now(&self) -> i128 {
        let recorded = pico(self.recorded);
        self.mix.min_cost(&self.model.prices).map_or(recorded, |cost| cost.min(recorded))
    }

    /// Whether a candidate could do the agent's work.
    fn is_eligible(&self, candidate: &Candidate, tried: &CallsByModel) -> bool {
        let is_known_developer = candidate.developer.is_some() && candidate.developer == self.model.developer;
        // Not every provider counts the tokens of images, so a model that takes them is replaced by another such.
        let needs_images = self.mix.has_images() || self.model.takes_images;
        let takes_all = (candidate.takes_images || !needs_images)
            && (candidate.takes_audio || !self.mix.has_audio())
            && !self.mix.writes_media()
            && candidate.max_input >= self.mix.longest_input;
        candidate.base != self.model.base
            && (self.any_developer || is_known_developer)
            && (candidate.offer.id.provider != self.model.base.provider
                || candidate.spelling == self.model.spelling)
            && candidate.tier >= self.needed
            && takes_all
            && !tried.get(&candidate.base).is_some_and(|calls| calls.fail_more_than(self.calls))
    }

    /// The saving with another model. None if not all of the agent's tokens have a price there.
    pub fn saving(&self, offer: &Offer) -> Option<Saving> {
        let cost_now = self.cost_now();
        let then = self.mix.max_cost(&offer.prices).ok()?;
        Some(Saving { cost_now, saved: cost_now - then, days: self.days })
    }

    /// The candidate that saves most, if it saves enough.
    ///
    /// A price has many parts, such as cache and long-context rates. Which of two prices is lower depends on the
    /// agent's own tokens, so only the resulting cost is compared.
    pub fn best<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c Candidate>,
        tried: &CallsByModel,
    ) -> Option<(&'c Candidate, Saving)> {
        let best = self.cheapest(candidates, tried);
        best.filter(|(_, saving)| saving.is_worth_showing())
    }

    /// The candidate that takes the place of a model that retires without a successor: the cheapest of its family.
    pub fn replacement<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c Candidate>,
        tried: &CallsByModel,
    ) -> Option<(&'c Candidate, Saving)> {
        let family = (self.model.developer?, self.model.family?);
        let same = |one: &&Candidate| one.developer.zip(one.family) == Some(family);
        self.cheapest(candidates.into_iter().filter(same), tried)
    }

    fn cheapest<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c Candidate>,
        tried: &CallsByModel,
    ) -> Option<(&'c Candidate, Saving)> {
        let eligible = candidates.into_iter().filter(|candidate| self.is_eligible(candidate, tried));
        let savings = eligible.filter_map(|candidate| Some((candidate, self.saving(&candidate.offer)?)));
        savings.min_by_key(|(candidate, saving)| (Reverse(saving.saved), candidate.rank()))
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
