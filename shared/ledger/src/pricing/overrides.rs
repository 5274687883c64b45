//! An organization's own prices, laid over the default book.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{LongContext, PriceBook, PriceRef, PriceVersion, PricedModel, Rates, fold};

/// A price that an organization has set. It replaces the book's row as a whole: what it leaves out (a cache
/// price, long-context rates) is not taken from the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The provider's id, in any case.
    pub provider: String,
    /// The model's id or an alias of it, in any case.
    pub model: String,
    /// The first day (UTC) on which it holds. It holds until a newer one of the same id does.
    pub effective_from: NaiveDate,
    /// The rates of a call.
    pub rates: Rates,
    /// The rates of calls with a long input, where they differ.
    pub long_context: Option<LongContext>,
}

/// All the prices that an organization has set.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// By provider, then by model, both in lower case.
    models: HashMap<String, HashMap<String, PricedModel>>,
}

impl Overrides {
    /// Takes in a list in any order. Of two for the same id and day, the later in the list wins.
    pub fn new(list: impl IntoIterator<Item = Override>) -> Self {
        let mut list: Vec<_> = list.into_iter().collect();
        list.sort_by_key(|price| price.effective_from);
        let mut all = Self::default();
        for price in list {
            let provider = fold(&price.provider).into_owned();
            let models = all.models.entry(provider.clone()).or_default();
            let model = models.entry(fold(&price.model).into_owned()).or_insert_with(|| PricedModel {
                provider,
                model: price.model,
                aliases: Vec::new(),
                versions: Vec::new(),
            });
            model.versions.push(PriceVersion {
                effective_from: Some(price.effective_from),
                effective_to: None,
                base: price.rates,
                long_context: price.long_context.into_iter().collect(),
            });
        }
        all
    }

    fn get(&self, provider: &str, model: &str) -> Option<&PricedModel> {
        self.models.get(&*fold(provider))?.get(&*fold(model))
    }
}

/// The prices that hold for one organization: the default book under its own.
///
/// Its own price for the id exactly as the event has it comes first; then its own price for the model that
/// the id means; then the book's. So a price set for a model holds for every alias of it, while a price set
/// for an alias holds for that alias alone. An own price that does not hold yet is passed over.
#[derive(Clone, Copy, Debug)]
pub struct Prices<'a> {
    book: &'a PriceBook,
    overrides: &'a Overrides,
}

impl<'a> Prices<'a> {
    /// `overrides` over `book`.
    pub const fn new(book: &'a PriceBook, overrides: &'a Overrides) -> Self {
        Self { book, overrides }
    }

    /// The price of `model` at the time `at`, by its date in UTC; none: unpriced.
    pub fn resolve(self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<PriceRef<'a>> {
        let day = at.date_naive();
        let known = self.book.identify(provider, model);
        self.own_price(provider, model, known, day).or_else(|| self.price_of(known?, day))
    }

    /// Every price that holds on `day`, by provider, then by model, both as spelled. An id with an own price
    /// has a row of its own, and goes by that row even where it matches an alias of another.
    pub fn list(self, day: NaiveDate) -> Vec<PriceRef<'a>> {
        let book = self.book.models.iter().filter_map(|model| self.price_of(model, day));
        let own = self.overrides.models.values().flat_map(HashMap::values).filter_map(|own| {
            let known =
                self.book.identify(&own.provider, &own.model).filter(|known| same_id(known, &own.model));
            let version = own.on(day).filter(|_| known.is_none())?;
            Some(PriceRef { model: own, version, overridden: true })
        });
        let mut all: Vec<_> = book.chain(own).collect();
        all.sort_by_key(|price| (&price.model.provider, &price.model.model));
        all
    }

    /// The organization's own price for exactly this id. Where it is the id of a model that the book knows,
    /// the answer names that model.
    fn own_price(
        self,
        provider: &str,
        id: &str,
        known: Option<&'a PricedModel>,
        day: NaiveDate,
    ) -> Option<PriceRef<'a>> {
        let own = self.overrides.get(provider, id)?;
        let model = known.filter(|known| same_id(known, id)).unwrap_or(own);
        Some(PriceRef { model, version: own.on(day)?, overridden: true })
    }

    /// The price of a model of the book: the organization's own, else the book's.
    fn price_of(self, model: &'a PricedModel, day: NaiveDate) -> Option<PriceRef<'a>> {
        let book = || Some(PriceRef { model, version: model.on(day)?, overridden: false });
        self.own_price(&model.provider, &model.model, Some(model), day).or_else(book)
    }
}

fn same_id(known: &PricedModel, id: &str) -> bool {
    known.model.eq_ignore_ascii_case(id)
}

#[cfg(test)]
mod tests;
