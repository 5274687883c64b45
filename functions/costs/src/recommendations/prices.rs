//! The standard prices of a model, by length of the input.

use std::collections::BTreeMap;

use ledger::pricing::EffectiveRow;
use ledger::pricing::data::{RateSet, Tier};

/// Prices by threshold. Under one threshold there are several if they depend on the hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    base: RateSet,
    steps: BTreeMap<u64, Vec<RateSet>>,
}

impl Prices {
    /// The prices of a model with these rows. None if no row prices a call with a short input.
    ///
    /// Rollups tell neither tier nor region of calls, so all models are compared at the prices of the standard tier in a
    /// region without a price of its own.
    pub fn of(rows: &[EffectiveRow<'_>]) -> Option<Self> {
        let standard = || rows.iter().filter(|row| row.tier() == Tier::Standard);
        let has = |region: &str| standard().any(|row| row.region() == region);
        let region = ["", "global", "regional"].into_iter().find(|region| has(region))?;
        let mut steps: BTreeMap<u64, Vec<RateSet>> = BTreeMap::new();
        let mut base = None;
        for row in standard().filter(|row| row.region() == region) {
            let rates = row.complete_rates();
            if row.above_input_tokens == 0 && row.window().is_none() {
                base = Some(rates);
            }
            steps.entry(row.above_input_tokens).or_default().push(rates);
        }
        let base = base.or_else(|| steps.get(&0)?.first().copied())?;
        Some(Self { base, steps })
    }

    /// The rates of a call with a short input, outside of hours with a price of their own.
    pub const fn base(&self) -> &RateSet {
        &self.base
    }

    /// The rates that may price a call with more than `above` and at most `up_to` input tokens.
    pub fn between(&self, above: u64, up_to: u64) -> impl Iterator<Item = &RateSet> {
        let first = self.steps.range(..=above).next_back();
        let longer = self.steps.range(above + 1..).take_while(move |(step, _)| **step < up_to);
        first.into_iter().chain(longer).flat_map(|(_, rates)| rates)
    }

    #[cfg(test)]
    pub fn from_text(steps: &[(u64, &str)]) -> Self {
        let parsed = steps.iter().map(|(above, text)| (*above, vec![RateSet::parse(text).unwrap()]));
        let steps: BTreeMap<_, _> = parsed.collect();
        Self { base: steps[&0][0], steps }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use ledger::pricing::data::Rate;
    use ledger::pricing::{Book, OwnPrices, Pricer, date_of};

    use super::*;

    #[test]
    fn the_step_below_and_those_within_a_range_may_apply() {
        let prices = Prices::from_text(&[(0, "input=1"), (100, "input=2"), (200, "input=3")]);
        let between = |above, up_to| {
            let rates = prices.between(above, up_to).map(|rates| rates.get(Rate::Input).unwrap() / 1_000_000);
            rates.collect::<Vec<_>>()
        };
        assert_eq!(between(0, 100), [1]);
        assert_eq!(between(0, 101), [1, 2]);
        assert_eq!(between(100, 200), [2]);
        assert_eq!(between(99, 200), [1, 2]);
        assert_eq!(between(150, u64::MAX), [2, 3]);
    }

    #[test]
    fn prices_are_those_of_the_standard_tier() {
        let own = OwnPrices::default();
        let day = date_of(NaiveDate::from_ymd_opt(2026, 11, 27).unwrap());
        let rows = Pricer::new(Book::builtin(), &own).rows("anthropic", "claude-haiku-4-5", day);
        assert!(rows.iter().any(|row| row.tier() == Tier::Batch));
        let prices = Prices::of(&rows).unwrap();
        assert_eq!(prices.base().get(Rate::Output), Some(5_000_000));
        assert_eq!(prices.between(0, u64::MAX).count(), 1);
        assert_eq!(Prices::of(&[]), None);
    }
}
