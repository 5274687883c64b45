//! What a call costs: the book under an organization's own prices.

use super::catalog::{Book, ProviderEntry};
use super::data::{Date, Tier};
use super::own::{OwnEntry, OwnPrice, OwnPrices, provider_id};
use super::resolve::Found;
use super::select::{Query, Unpriced};
use super::usage::Call;

mod cost;
mod effective;
mod list;

pub use cost::CostParts;
use cost::cost;
pub use effective::EffectiveRow;
use effective::effective;
pub use list::ListedModel;

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
        let Meaning { provider, found, own } = self.meaning(call.provider, call.model, day);
        let Some(found) = found else {
            return self.unlisted(call, own, provider);
        };
        let found = self.book.in_region(call.model, found, call.region);
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
        let short = || found.model.select(Query { whole_input: 0, ..query }).unwrap_or(list);
        Ok(effective(found.model, list, short, own, query))
    }

    /// The model that `name` means on `day`, and the own price that holds for it.
    fn meaning<'n>(self, provider: &str, name: &'n str, day: Date) -> Meaning<'n, 'p>
    where
        'p: 'n,
    {
        let Some((own, region)) = self.own.spelled(self.book, provider, name, day) else {
            return self.listed(provider, name, day);
        };
        let (provider, found) = match &own.price {
            OwnPrice::Alias(model) => self.book.identify(provider, model),
            _ => self.book.identify(provider, name),
        };
        let found = found.map(|found| Found { region: region.or(found.region), ..found });
        let own = match &own.price {
            OwnPrice::Alias(_) => found.and_then(|found| self.own.of_model(found.model, day)),
            _ => Some(own),
        };
        Meaning { provider, found, own }
    }

    /// The meaning of a name that no own price is for.
    fn listed<'n>(self, provider: &str, name: &'n str, day: Date) -> Meaning<'n, 'p>
    where
        'p: 'n,
    {
        let (provider, found) = self.book.identify(provider, name);
        let (Some(known), None) = (provider, found) else {
            let own = found.and_then(|found| self.own.of_model(found.model, day));
            return Meaning { provider, found, own };
        };
        match self.own.undated(self.book, known, name, day) {
            Some(OwnEntry { price: OwnPrice::Alias(model), .. }) => {
                let (_, found) = self.book.identify(known.id(), model);
                let own = found.and_then(|found| self.own.of_model(found.model, day));
                Meaning { provider, found, own }
            }
            own => Meaning { provider, found, own },
        }
    }

    /// The row of an own price for a model that the book does not price.
    fn unlisted(
        self,
        call: &Call<'_>,
        own: Option<&'p OwnEntry>,
        provider: Option<ProviderEntry>,
    ) -> Result<EffectiveRow<'p>, Unpriced> {
        let missing = if provider.is_some() { Unpriced::UnknownModel } else { Unpriced::UnknownProvider };
        let Some(own) = own else {
            let on = |day| self.own.spelled(self.book, call.provider, call.model, day);
            let is_later = on(call.day()).is_none() && on(Date::MAX).is_some();
            return Err(if is_later { Unpriced::NoPriceAtThatTime } else { missing });
        };
        let OwnPrice::Rates { rates, long_context } = &own.price else { return Err(missing) };
        if call.tier() != Some(Tier::Standard) {
            return Err(Unpriced::NoPriceForTier);
        }
        let long = long_context.as_ref().filter(|(above, _)| call.tokens.whole_input() > *above);
        let (above_input_tokens, rates) = long.map_or((0, rates), |(above, rates)| (*above, rates));
        Ok(EffectiveRow::unlisted(provider_id(self.book, call.provider), own, above_input_tokens, *rates))
    }
}

/// What a name means, and the own price that holds for it.
struct Meaning<'n, 'p> {
    provider: Option<ProviderEntry>,
    found: Option<Found<'n>>,
    own: Option<&'p OwnEntry>,
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod names;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
