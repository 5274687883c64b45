//! What a call costs: the book under an organization's own prices.

use std::borrow::Cow;

use super::catalog::{Book, ModelEntry, ProviderEntry};
use super::data::{Date, Tier};
use super::own::{OwnEntry, OwnPrice, OwnPrices, provider_id};
use super::select::{Query, Unpriced};
use super::tables::PriceRow;
use super::usage::Call;

mod cost;
mod effective;

pub use cost::CostParts;
use cost::cost;
pub use effective::EffectiveRow;
use effective::effective;

/// The prices that hold for one organization.
///
/// Its own price for the name exactly as the event has it comes first; then its own price for the model that the name
/// means, or for the model that this is a snapshot of; then its own factor for the provider; then the book.
#[derive(Clone, Copy, Debug)]
pub struct Pricer<'p> {
    book: Book,
    own: &'p OwnPrices,
}

/// The price of a call.
#[derive(Clone, Debug)]
pub struct CallPrice<'p> {
    /// What is priced of it.
    pub parts: CostParts,
    /// Why the call, or a part of it, has no price.
    pub unpriced: Option<Unpriced>,
    /// The row that prices it, where one was found.
    pub row: Option<EffectiveRow<'p>>,
}

impl<'p> Pricer<'p> {
    /// `own` over `book`.
    pub const fn new(book: Book, own: &'p OwnPrices) -> Self {
        Self { book, own }
    }

    /// The book's id of a provider that a call names; none where the book does not know it.
    pub fn provider_id(self, name: &str) -> Option<&'static str> {
        self.book.provider(name).map(ProviderEntry::id)
    }

    /// Prices a call.
    pub fn price(self, call: &Call<'_>) -> CallPrice<'p> {
        match self.row(call) {
            Ok(row) => {
                let (parts, unpriced) = match cost(&row, call) {
                    Ok((parts, unpriced)) => (parts, unpriced),
                    Err(reason) => (CostParts::default(), Some(reason)),
                };
                CallPrice { parts, unpriced, row: Some(row) }
            }
            Err(reason) => CallPrice { parts: CostParts::default(), unpriced: Some(reason), row: None },
        }
    }

    /// The rates that price a call.
    ///
    /// # Errors
    ///
    /// Why there are none.
    pub fn row(self, call: &Call<'_>) -> Result<EffectiveRow<'p>, Unpriced> {
        let day = call.day();
        let sent = self.sent(call, day);
        let name = match sent.map(|own| &own.price) {
            Some(OwnPrice::Alias(model)) => model,
            _ => call.model,
        };
        let (provider, found) = self.book.identify(call.provider, name);
        let own = match sent.map(|own| &own.price) {
            None | Some(OwnPrice::Alias(_)) => found.and_then(|found| self.own.of_model(found.model, day)),
            Some(_) => sent,
        };
        let own = own.filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
        let Some(found) = found else {
            return self.unlisted(call, own, provider);
        };
        let query = Query {
            day,
            slot: call.slot(),
            tier: call.tier(),
            region: if call.region.is_empty() { found.region.unwrap_or_default() } else { call.region },
            whole_input: call.tokens.whole_input(),
        };
        let list = match found.model.select(query) {
            // An own price needs no price of the list, unless it is for a condition that only the list knows.
            Err(Unpriced::NoPriceAtThatTime) if own.is_some() => return self.unlisted(call, own, provider),
            list => list?,
        };
        Ok(effective(found.model, list, own, query))
    }

    /// The own price for the name as it was sent.
    fn sent(self, call: &Call<'_>, day: Date) -> Option<&'p OwnEntry> {
        if self.own.is_empty() {
            return None;
        }
        self.own.named(&provider_id(self.book, call.provider), call.model, day)
    }

    /// The row of an own price for a model that the book does not price.
    fn unlisted(
        self,
        call: &Call<'_>,
        own: Option<&'p OwnEntry>,
        provider: Option<ProviderEntry>,
    ) -> Result<EffectiveRow<'p>, Unpriced> {
        let missing = if provider.is_some() { Unpriced::UnknownModel } else { Unpriced::UnknownProvider };
        let own = own.ok_or(missing)?;
        let OwnPrice::Rates { rates, long_context } = &own.price else { return Err(missing) };
        if call.tier() != Some(Tier::Standard) {
            return Err(Unpriced::NoPriceForTier);
        }
        let long = long_context.as_ref().filter(|(above, _)| call.tokens.whole_input() > *above);
        let (above_input_tokens, rates) = long.map_or((0, rates), |(above, rates)| (*above, rates));
        Ok(EffectiveRow {
            provider: Cow::Owned(provider_id(self.book, call.provider)),
            model: own.model.as_deref().unwrap_or_default().into(),
            entry: None,
            list: None,
            own: Some(own),
            above_input_tokens,
            rates: *rates,
        })
    }

    /// The rows of a model on `day`, as they are for the organization: those that a PUT answers with.
    pub fn rows(self, model: ModelEntry, day: Date) -> Vec<EffectiveRow<'p>> {
        let own = self.own.of_model(model, day).filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
        let rows = model.rows().filter(|row| row.holds_on(day));
        let query = |row: PriceRow| Query {
            day,
            slot: 0,
            tier: Some(row.tier()),
            region: row.region(),
            whole_input: if row.above_input_tokens() == 0 { 0 } else { row.above_input_tokens() + 1 },
        };
        rows.map(|row| effective(model, row, own, query(row))).collect()
    }

    /// Every model of the book that has a price on `day`, then every own price for a name that the book does not know.
    pub fn list(self, day: Date) -> Vec<EffectiveRow<'p>> {
        let mut list: Vec<_> = Vec::new();
        for model in self.book.models() {
            let base = model.base_row(day).or_else(|| model.rows().find(|row| row.holds_on(day)));
            if let Some(row) = base {
                let own =
                    self.own.of_model(model, day).filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
                let query =
                    Query { day, slot: 0, tier: Some(row.tier()), region: row.region(), whole_input: 0 };
                list.push(effective(model, row, own, query));
            }
        }
        let mut unlisted: Vec<_> = self.own.names().collect();
        unlisted.sort_unstable();
        for (provider, name) in unlisted {
            let is_known = self.book.provider(provider).and_then(|provider| provider.named(name)).is_some();
            let own = self.own.named(provider, name, day).filter(|_| !is_known);
            if let Some(own) = own
                && let OwnPrice::Rates { rates, .. } = &own.price
            {
                list.push(EffectiveRow {
                    provider: Cow::Borrowed(provider),
                    model: own.model.as_deref().unwrap_or_default().into(),
                    entry: None,
                    list: None,
                    own: Some(own),
                    above_input_tokens: 0,
                    rates: *rates,
                });
            }
        }
        list
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
