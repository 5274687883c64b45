//! A model of a public price list, in the terms of the price book.

use ledger::pricing::data::{Date, ModelLine, Rate, RateSet, Tier, Window};
use rust_decimal::{Decimal, RoundingStrategy};

/// The conditions of a price row.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conditions {
    /// The service tier.
    pub tier: Tier,
    /// The region; empty: any.
    pub region: String,
    /// The hours of the week.
    pub window: Option<Window>,
    /// The threshold of the whole input.
    pub above_input_tokens: u64,
}

/// The prices of a model during a span of days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The first day, or `None` if there is no limit.
    pub from: Option<Date>,
    /// The rows, ordered by their conditions.
    pub rows: Vec<(Conditions, RateSet)>,
}

impl Version {
    /// The prices under exactly these conditions.
    pub fn get(&self, conditions: &Conditions) -> Option<&RateSet> {
        self.rows.iter().find(|(own, _)| own == conditions).map(|(_, rates)| rates)
    }

    /// Sets the prices under `conditions`; a row without any price is left out.
    pub fn set(&mut self, conditions: Conditions, rates: RateSet) {
        self.rows.retain(|(own, _)| *own != conditions);
        if !rates.is_empty() {
            self.rows.push((conditions, rates));
            self.rows.sort_by(|a, b| a.0.cmp(&b.0));
        }
    }

    /// Whether all prices under the same conditions are equal.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.rows
            .iter()
            .all(|(conditions, rates)| other.get(conditions).is_none_or(|theirs| rates.agrees_with(theirs)))
    }

    /// Takes the prices of `other` where this version has none.
    pub fn fill_from(&mut self, other: &Self) {
        for (conditions, rates) in &other.rows {
            let mut filled = self.get(conditions).copied().unwrap_or_default();
            filled.fill_from(rates);
            self.set(conditions.clone(), filled);
        }
    }
}

/// A model of a public price list.
#[derive(Clone, Debug, Default)]
pub struct SourceModel {
    /// The provider's id in the book.
    pub provider: String,
    /// Names and lifecycle.
    pub line: ModelLine,
    /// Prices, oldest first. Never empty.
    pub versions: Vec<Version>,
    /// The day on which the list's own notes say that the price was last verified.
    pub verified: Option<Date>,
    /// The position of the list's provider name among the names of the provider. If a list has a model twice, the entry
    /// with the lower position is preferred.
    pub rank: usize,
}

impl SourceModel {
    /// The prices on `day`.
    pub fn on(&self, day: Date) -> Option<&Version> {
        self.versions.iter().rfind(|version| version.from.is_none_or(|from| from <= day))
    }

    /// The prices on `day`, to be changed.
    pub fn on_mut(&mut self, day: Date) -> Option<&mut Version> {
        self.versions.iter_mut().rfind(|version| version.from.is_none_or(|from| from <= day))
    }
}

/// A price in dollars for `per` tokens or units as picodollars, rounded half-even.
pub fn pico(dollars: Decimal, per: u64) -> Option<u64> {
    let pico = dollars.checked_mul(Decimal::from(1_000_000_000_000_u64))?.checked_div(Decimal::from(per))?;
    u64::try_from(pico.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven)).ok()
}

/// Sets the price of cache writes whose lifetime a list does not state. `OpenAI`'s models cache for 30 minutes, all
/// others for 5. Both lists have one price for the two, and SDKs without lifetimes report 5 minutes.
pub fn set_cache_write(rates: &mut RateSet, model: &str, price: Option<u64>) {
    rates.set(Rate::CacheWrite5m, price);
    if model.contains("gpt-") {
        rates.set(Rate::CacheWrite30m, price);
    }
}

/// The rates that a row of a tier lacks, from the `standard` rates. Google's tiers are a factor on all kinds of tokens,
/// so audio and images change in proportion to text; at other providers they cost the same as without the tier.
pub fn of_tier(provider: &str, standard: &RateSet, tier: &RateSet) -> RateSet {
    let mut rates = *standard;
    if provider != "google" {
        return rates;
    }
    for (text, kinds) in [
        (Rate::Input, [Rate::InputAudio, Rate::InputImage]),
        (Rate::Output, [Rate::OutputAudio, Rate::OutputImage]),
    ] {
        let (Some(whole), Some(part)) = (standard.get(text).filter(|price| *price > 0), tier.get(text))
        else {
            continue;
        };
        let factor = Decimal::from(part) / Decimal::from(whole);
        for kind in kinds {
            let price = standard.get(kind).map(|price| (Decimal::from(price) * factor).round());
            rates.set(kind, price.and_then(|price| u64::try_from(price).ok()));
        }
    }
    rates
}

/// The `rates` of tokens times `factor`, rounded half-even. Uplifts do not apply to units.
pub fn scaled(rates: &RateSet, factor: Decimal) -> RateSet {
    let mut scaled = *rates;
    for (rate, price) in rates.iter().filter(|(rate, _)| !rate.is_unit()) {
        let price = Decimal::from(price) * factor;
        let price = price.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
        scaled.set(rate, u64::try_from(price).ok());
    }
    scaled
}
