//! The models that there are to choose from, at the prices of a day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use ledger::ids::ModelKey;
use ledger::pricing::{Overrides, PriceBook, PriceRef, PricedModel, Prices};

use super::limits;

/// A model for what it costs.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Its price.
    pub price: PriceRef<'a>,
    /// The model that its id means, whatever alias it goes by.
    pub model: &'a PricedModel,
    /// The most tokens of input that it takes.
    pub max_input: u64,
}

impl Offer<'_> {
    /// Whether both mean the same model.
    pub fn is(&self, model: &PricedModel) -> bool {
        (&*self.model.provider, &*self.model.model) == (&*model.provider, &*model.model)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Market<'a> {
    book: &'a PriceBook,
    prices: Prices<'a>,
    day: NaiveDate,
    by_provider: BTreeMap<&'a str, Vec<Offer<'a>>>,
}

impl<'a> Market<'a> {
    /// What `book` offers on `day` (UTC), an organisation's own prices in place.
    pub fn new(book: &'a PriceBook, overrides: &'a Overrides, day: NaiveDate) -> Self {
        let prices = Prices::new(book, overrides);
        let mut by_provider: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for price in prices.list(day) {
            let known = book.identify(&price.model.provider, &price.model.model);
            if known.is_some_and(|model| !limits::writes_text(model)) {
                continue;
            }
            let model = known.unwrap_or(price.model);
            let max_input = limits::max_input(model, price.version);
            let offers = by_provider.entry(price.model.provider.as_str()).or_default();
            offers.push(Offer { price, model, max_input });
        }
        Self { book, prices, day, by_provider }
    }

    /// The price of a model that is in use, and the model that its id means.
    pub fn price_of(&self, key: &ModelKey) -> Option<(PriceRef<'a>, &'a PricedModel)> {
        let at = self.day.and_time(chrono::NaiveTime::MIN).and_utc();
        let price = self.prices.resolve(&key.provider, &key.model, at)?;
        Some((price, self.book.identify(&key.provider, &key.model).unwrap_or(price.model)))
    }

    /// What these providers, in lower case, offer.
    pub fn offers<'m>(&'m self, providers: &'m BTreeSet<String>) -> impl Iterator<Item = &'m Offer<'a>> {
        providers.iter().filter_map(|provider| self.by_provider.get(provider.as_str())).flatten()
    }
}
