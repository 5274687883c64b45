//! The models on offer at the prices of a day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use ledger::ids::ModelKey;
use ledger::pricing::{Overrides, PriceBook, PriceRef, PricedModel, Prices};

use super::model_limits;

/// A model and its price.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub price: PriceRef<'a>,
    /// The model that the id refers to, with aliases resolved.
    pub model: &'a PricedModel,
    /// Maximum number of input tokens.
    pub max_input: u64,
}

impl Offer<'_> {
    /// Whether the offer is of this model.
    pub fn is(&self, model: &PricedModel) -> bool {
        (&*self.model.provider, &*self.model.model) == (&*model.provider, &*model.model)
    }
}

#[derive(Debug)]
pub struct Catalog<'a> {
    book: &'a PriceBook,
    prices: Prices<'a>,
    day: NaiveDate,
    by_provider: BTreeMap<&'a str, Vec<Offer<'a>>>,
}

impl<'a> Catalog<'a> {
    /// What `book` offers on `day` (UTC), with an organization's own prices applied.
    pub fn new(book: &'a PriceBook, overrides: &'a Overrides, day: NaiveDate) -> Self {
        let prices = Prices::new(book, overrides);
        let mut by_provider: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for price in prices.list(day) {
            let known = book.identify(&price.model.provider, &price.model.model);
            if known.is_some_and(|model| !model_limits::writes_text(model)) {
                continue;
            }
            let model = known.unwrap_or(price.model);
            let max_input = model_limits::max_input(model, price.version);
            let offers = by_provider.entry(price.model.provider.as_str()).or_default();
            offers.push(Offer { price, model, max_input });
        }
        Self { book, prices, day, by_provider }
    }

    /// The price of a model in use, and the model that its id refers to.
    pub fn price_of(&self, key: &ModelKey) -> Option<(PriceRef<'a>, &'a PricedModel)> {
        let at = self.day.and_time(chrono::NaiveTime::MIN).and_utc();
        let price = self.prices.resolve(&key.provider, &key.model, at)?;
        Some((price, self.book.identify(&key.provider, &key.model).unwrap_or(price.model)))
    }

    /// The offers of these providers, given in lower case.
    pub fn offers<'m>(&'m self, providers: &'m BTreeSet<String>) -> impl Iterator<Item = &'m Offer<'a>> {
        providers.iter().filter_map(|provider| self.by_provider.get(provider.as_str())).flatten()
    }
}
