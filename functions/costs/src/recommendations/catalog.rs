//! What the price book knows of the models in use and of those that may be recommended.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, Months, NaiveDate};
use ledger::ids::ModelKey;
use ledger::pricing::data::{Date, Mode};
use ledger::pricing::{Book, ModelEntry, Pricer, date_of};

use super::allow_list;
use super::model::{Candidate, InUse, ModelId, Offer, Spelling};
use super::prices::Prices;

/// A model that retires within these days is not recommended, and one in use is advised on.
const NOTICE: Days = Days::new(90);
/// Older models are not recommended.
const MAX_AGE: Months = Months::new(24);
/// Parts of the ids of models that their providers may change or withdraw at any time.
const UNSTABLE: [&str; 3] = ["preview", "beta", "experimental"];

#[derive(Debug)]
pub struct Catalog<'p> {
    pricer: Pricer<'p>,
    today: Date,
    /// The last day of the notice period.
    notice: Date,
    /// The first day of release of a model that may be recommended.
    oldest: Date,
    allow_list: &'p [String],
    by_provider: BTreeMap<&'static str, Vec<Candidate>>,
}

impl<'p> Catalog<'p> {
    /// The models of `providers`, by id, at the prices of `today` (UTC). Only those in `allow_list` may be recommended,
    /// unless it is empty.
    pub fn new(
        pricer: Pricer<'p>,
        allow_list: &'p [String],
        today: NaiveDate,
        providers: &BTreeSet<String>,
    ) -> Self {
        let mut catalog = Self {
            pricer,
            today: date_of(today),
            notice: date_of(today.checked_add_days(NOTICE).unwrap_or(today)),
            oldest: date_of(today.checked_sub_months(MAX_AGE).unwrap_or(today)),
            allow_list,
            by_provider: BTreeMap::new(),
        };
        for provider in providers.iter().filter_map(|provider| Book::builtin().provider(provider)) {
            let candidates = provider.models().filter_map(|entry| catalog.candidate(entry)).collect();
            catalog.by_provider.insert(provider.id(), candidates);
        }
        catalog
    }

    /// The candidates of these providers.
    pub fn candidates<'c>(&'c self, providers: &'c BTreeSet<String>) -> impl Iterator<Item = &'c Candidate> {
        providers.iter().filter_map(|provider| self.by_provider.get(provider.as_str())).flatten()
    }

    /// A model in use; none if it has no price today.
    pub fn in_use(&self, key: &ModelKey) -> Option<InUse> {
        let rows = self.pricer.rows(&key.provider, &key.model, self.today);
        let prices = Prices::of(&rows)?;
        let first = rows.first()?;
        let entry = first.entry;
        let base = || ModelId::new(&first.provider, &first.model.to_ascii_lowercase());
        Some(InUse {
            base: entry.map_or_else(base, ModelId::base),
            prices,
            developer: entry.and_then(ModelEntry::developer),
            family: entry.and_then(ModelEntry::family),
            spelling: Spelling::of(entry.map_or(&*key.model, |entry| entry.id()), &key.model),
            takes_images: entry.is_some_and(ModelEntry::takes_images),
            retires_on: entry.and_then(retires_on),
            entry,
        })
    }

    /// The model that an id of the book is a snapshot of, or the model itself.
    pub fn base_of(id: &ModelId) -> Option<ModelId> {
        Some(ModelId::base(Book::builtin().identify(&id.provider, &id.model).1?.model))
    }

    /// Whether a model that retires on this day is retired or retires soon.
    pub fn is_retiring(&self, retires_on: Option<Date>) -> bool {
        retires_on.is_some_and(|day| day <= self.notice)
    }

    /// The model that its provider names as the successor, or the successor of this one if it retires soon itself.
    pub fn successor(&self, model: &InUse) -> Option<Offer> {
        let mut entry = model.entry?;
        for _ in 0..4 {
            let provider = entry.provider().id();
            entry = Book::builtin().identify(provider, entry.successor()?).1?.model;
            if !self.is_retiring(retires_on(entry)) {
                return self.offer(entry).filter(|_| allow_list::allows(self.allow_list, entry));
            }
        }
        None
    }

    fn candidate(&self, entry: ModelEntry) -> Option<Candidate> {
        let id = entry.id();
        let is_recent =
            entry.released().is_none_or(|released| self.oldest <= released && released <= self.today);
        // Without a list that names retirement days, a model may be long gone.
        let is_served =
            entry.has_lifecycle() && !entry.is_deprecated() && !self.is_retiring(retires_on(entry));
        let is_stable = !UNSTABLE.iter().any(|part| id.contains(part));
        let spelling = Spelling::of(id, id);
        let is_suitable =
            entry.mode() == Mode::Chat && is_recent && is_served && is_stable && spelling.can_be_called();
        if !is_suitable || !allow_list::allows(self.allow_list, entry) {
            return None;
        }
        Some(Candidate {
            tier: entry.family_tier()?,
            max_input: entry.context_tokens()?,
            offer: self.offer(entry)?,
            base: ModelId::base(entry),
            developer: entry.developer(),
            family: entry.family(),
            spelling,
            takes_images: entry.takes_images(),
            takes_audio: entry.takes_audio(),
        })
    }

    fn offer(&self, entry: ModelEntry) -> Option<Offer> {
        let provider = entry.provider().id();
        let prices = Prices::of(&self.pricer.rows(provider, entry.id(), self.today))?;
        Some(Offer { id: ModelId::new(provider, entry.id()), prices })
    }
}

/// The day from which a model is no longer served: its own, or where that is not listed, that of the model that it is a
/// snapshot of.
fn retires_on(entry: ModelEntry) -> Option<Date> {
    if entry.has_lifecycle() {
        return entry.retires_on();
    }
    entry.retires_on().or_else(|| entry.priced_as().retires_on())
}

#[cfg(test)]
mod tests;
