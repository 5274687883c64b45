//! An organization's own prices.

use std::collections::HashMap;

use super::catalog::{Book, ModelEntry, ProviderEntry};
use super::data::{BedrockId, Date, Rate, RateSet, Rule};
use super::resolve::other_names;

/// One million: a [multiplier](OwnPrice::Multiplier) of 1.
pub const MULTIPLIER_ONE: u64 = 1_000_000;

/// A price that an organization has set for a model, or for all models of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "an organization has few prices, and most of them are rates")]
pub enum OwnPrice {
    /// Its own rates. A rate that is left out follows the list price in the proportion of the own input price to the
    /// list's; a unit that is left out has the list price.
    Rates {
        /// The rates of every call, or of those below the threshold.
        rates: RateSet,
        /// The rates of calls whose whole input is longer than the number. Left out: the list's steps in proportion.
        long_context: Option<(u64, RateSet)>,
    },
    /// A factor on the list price, in millionths: a negotiated discount.
    Multiplier(u64),
    /// Another name of the model with this id at the same provider.
    Alias(String),
}

/// An own price, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnEntry {
    /// The provider, by its id or another name, in any case.
    pub provider: String,
    /// The model's id or another name of it, in any case; none: all models of the provider, for a multiplier.
    pub model: Option<String>,
    /// The first day (UTC) on which it holds. It holds until a newer one for the same name does.
    pub from: Date,
    /// The price.
    pub price: OwnPrice,
}

/// All prices that an organization has set.
#[derive(Clone, Debug, Default)]
pub struct OwnPrices {
    /// By the provider's id, then by the model's name in lower case, oldest first.
    models: HashMap<String, HashMap<String, Vec<OwnEntry>>>,
    /// By the provider's id, then by the name without what does not tell models apart (see [`plain`]), oldest first.
    plain: HashMap<String, HashMap<String, Vec<OwnEntry>>>,
    /// By the provider's id, oldest first.
    providers: HashMap<String, Vec<OwnEntry>>,
}

impl OwnPrices {
    /// Takes a list in any order. Of two for the same name and day, the later in the list wins.
    pub fn new(book: Book, list: impl IntoIterator<Item = OwnEntry>) -> Self {
        let mut all = Self::default();
        for entry in list {
            all.add(book, entry);
        }
        all
    }

    /// Adds a price. It wins over others for the same name and day.
    pub fn add(&mut self, book: Book, entry: OwnEntry) {
        let insert = |entries: &mut Vec<OwnEntry>, entry: OwnEntry| {
            entries.insert(entries.partition_point(|other| other.from <= entry.from), entry);
        };
        let provider = provider_id(book, &entry.provider);
        let Some(model) = &entry.model else {
            return insert(self.providers.entry(provider).or_default(), entry);
        };
        if let Some(known) = book.provider(&entry.provider) {
            let names = self.plain.entry(provider.clone()).or_default();
            insert(names.entry(plain(book, known, model)).or_default(), entry.clone());
        }
        let models = self.models.entry(provider).or_default();
        insert(models.entry(model.to_ascii_lowercase()).or_default(), entry);
    }

    /// The number of prices, each version counted.
    pub fn len(&self) -> usize {
        let of_models = self.models.values().flat_map(HashMap::values);
        of_models.chain(self.providers.values()).map(Vec::len).sum()
    }

    /// Whether the organization has set no price.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty() && self.providers.is_empty()
    }

    /// The own price for exactly this name on `day`.
    pub(super) fn named(&self, provider: &str, name: &str, day: Date) -> Option<&OwnEntry> {
        let models = self.models.get(provider)?;
        let entries = models.get(name).or_else(|| models.get(&name.to_ascii_lowercase()))?;
        entries.iter().rfind(|entry| entry.from <= day)
    }

    /// The own price for `name`, in any spelling of the same name, at the provider called `provider` on `day`; and the
    /// region that is part of the name.
    pub(super) fn spelled<'n>(
        &self,
        book: Book,
        provider: &str,
        name: &'n str,
        day: Date,
    ) -> Option<(&OwnEntry, Option<&'n str>)> {
        if self.models.is_empty() {
            return None;
        }
        let Some(known) = book.provider(provider) else {
            return Some((self.named(&provider_id(book, provider), name, day)?, None));
        };
        let names = self.plain.get(known.id())?;
        if let Some(found) = book.find_front(known, name, |name| self.named(known.id(), name, day)) {
            return Some(found);
        }
        let date = BedrockId::read(name).date;
        let is_same = |own: &OwnEntry| {
            let own = own.model.as_deref().map_or("", |model| BedrockId::read(model).date);
            own.is_empty() || date.is_empty() || own == date
        };
        let entries = names.get(&plain(book, known, name))?;
        let own = entries.iter().rfind(|entry| entry.from <= day && is_same(entry))?;
        Some((own, None))
    }

    /// The own price for a name that the book does not have, without its date, version or `-latest`.
    pub(super) fn undated(
        &self,
        book: Book,
        provider: ProviderEntry,
        name: &str,
        day: Date,
    ) -> Option<&OwnEntry> {
        let names = self.plain.get(provider.id())?;
        let name = book.without_fronts(provider, name);
        other_names(name)
            .find_map(|name| names.get(&name.to_ascii_lowercase())?.iter().rfind(|entry| entry.from <= day))
    }

    /// The own price for a model of the book on `day`: for its id, for the model that it is a snapshot of, or for all
    /// models of its provider.
    pub(super) fn of_model(&self, model: ModelEntry, day: Date) -> Option<&OwnEntry> {
        if self.is_empty() {
            return None;
        }
        let provider = model.provider().id();
        // An alias is for calls that name it, and says nothing about the model that it shares its name with.
        let own = |id| self.named(provider, id, day).filter(|own| !matches!(own.price, OwnPrice::Alias(_)));
        own(model.id()).or_else(|| own(model.priced_as().id())).or_else(|| self.of_provider(provider, day))
    }

    /// The factor for all models of a provider on `day`.
    pub(super) fn of_provider(&self, provider: &str, day: Date) -> Option<&OwnEntry> {
        self.providers.get(provider)?.iter().rfind(|entry| entry.from <= day)
    }

    /// The names of models that have own prices, with the ids of their providers.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.models
            .iter()
            .flat_map(|(provider, models)| models.keys().map(move |name| (&**provider, &**name)))
    }
}

/// A name in lower case without a context mark, without what may stand in front of it, and at Bedrock for a Claude
/// model without date and version, which are not part of its name.
fn plain(book: Book, provider: ProviderEntry, name: &str) -> String {
    let name = book.without_fronts(provider, name).to_ascii_lowercase();
    let id = BedrockId::read(&name);
    if !provider.has(Rule::Bedrock) || !id.is_claude() {
        return name;
    }
    if id.geography.is_empty() { id.name.to_owned() } else { format!("{}.{}", id.geography, id.name) }
}

/// The id that prices of a provider are kept under: the book's, else the name in lower case.
pub(super) fn provider_id(book: Book, name: &str) -> String {
    book.provider(name).map_or_else(|| name.to_ascii_lowercase(), |provider| provider.id().to_owned())
}

/// `price × numerator / denominator`, rounded half-even to a picodollar.
pub(super) fn in_proportion(price: u64, numerator: u64, denominator: u64) -> u64 {
    let (product, denominator) = (u128::from(price) * u128::from(numerator), u128::from(denominator));
    let (quotient, remainder) = (product / denominator, product % denominator);
    let up = match (remainder * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    u64::try_from(quotient + u128::from(up)).unwrap_or(u64::MAX)
}

/// Every rate times a factor in millionths.
pub(super) fn multiplied(rates: &RateSet, factor: u64) -> RateSet {
    let mut all = RateSet::default();
    for (rate, price) in rates.iter() {
        all.set(rate, Some(in_proportion(price, factor, MULTIPLIER_ONE)));
    }
    all
}

/// The rates of a row under own rates: `row` and `base` are the list's, `base` without conditions.
pub(super) fn scaled(own: &RateSet, row: &RateSet, base: &RateSet) -> RateSet {
    let mut all = RateSet::default();
    for rate in Rate::ALL {
        let list = row.get(rate);
        let proportion = |own: Option<u64>, list: Option<u64>| Some((own?, list.filter(|list| *list > 0)?));
        let price = match (own.get(rate), list) {
            (Some(own), Some(list)) => match proportion(Some(own), base.get(rate)) {
                Some((own, base)) => Some(in_proportion(list, own, base)),
                None => Some(own),
            },
            (Some(own), None) => Some(own),
            (None, Some(list)) if !rate.is_unit() => {
                let input = proportion(own.get(Rate::Input), base.get(Rate::Input));
                Some(input.map_or(list, |(own, base)| in_proportion(list, own, base)))
            }
            (None, list) => list,
        };
        all.set(rate, price);
    }
    all
}

#[cfg(test)]
mod tests;
