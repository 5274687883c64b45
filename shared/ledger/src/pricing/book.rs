//! The default book, and the way from an id and a date to a price.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{Category, LongContext, MalformedBook, Rates, fold};

/// The prices of a model during a span of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceVersion {
    /// The first day (UTC) on which it holds; none: since ever.
    pub effective_from: Option<NaiveDate>,
    /// The first day (UTC) on which it holds no more; none: until further notice.
    pub effective_to: Option<NaiveDate>,
    /// The rates of a call whose input passes no threshold.
    pub base: Rates,
    /// The rates of calls with longer inputs, by ascending threshold.
    pub long_context: Vec<LongContext>,
}

impl PriceVersion {
    fn holds_on(&self, day: NaiveDate) -> bool {
        self.effective_from.is_none_or(|from| from <= day) && self.effective_to.is_none_or(|to| day < to)
    }
}

/// A model and its prices through time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedModel {
    /// The provider's id, in lower case.
    pub provider: String,
    /// The model's id, as the provider spells it.
    pub model: String,
    /// Other ids that mean this model: `=exact` or `^prefix`.
    pub aliases: Vec<String>,
    /// Its prices, oldest first.
    pub versions: Vec<PriceVersion>,
}

impl PricedModel {
    /// The prices on `day`: of several the newest.
    pub(super) fn on(&self, day: NaiveDate) -> Option<&PriceVersion> {
        self.versions.iter().rfind(|version| version.holds_on(day))
    }
}

/// The ids that mean a model of one provider, all in lower case; the values are places in the book.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) ids: HashMap<String, usize>,
    pub(super) aliases: HashMap<String, usize>,
    /// Longest first, so that the first that matches is the longest.
    pub(super) prefixes: Vec<(String, usize)>,
}

impl Names {
    fn find(&self, model: &str) -> Option<usize> {
        let prefix =
            || self.prefixes.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, place)| place);
        self.ids.get(model).or_else(|| self.aliases.get(model)).or_else(prefix).copied()
    }
}

/// A book of prices, each with the days on which it holds.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    pub(super) models: Vec<PricedModel>,
    /// By provider, in lower case.
    pub(super) names: HashMap<String, Names>,
}

impl PriceBook {
    /// The book that ships with the program. Parsed once, when it is first asked for: ask at start-up.
    pub fn builtin() -> &'static Self {
        static BOOK: LazyLock<PriceBook> = LazyLock::new(|| {
            // A test parses the same text, so a build that passed its tests cannot stop here.
            PriceBook::parse(include_str!("../../data/model-prices.csv"))
                .unwrap_or_else(|e| panic!("shared/ledger/data/model-prices.csv: {e}"))
        });
        &BOOK
    }

    /// A book from its text: comma-separated values under the header of `model-prices.csv`.
    ///
    /// # Errors
    ///
    /// The first line that breaks a rule. Nothing is guessed or skipped.
    pub fn parse(text: &str) -> Result<Self, MalformedBook> {
        super::parse::parse(text)
    }

    /// The model that an id means, whether or not it has a price at any given time.
    pub fn identify(&self, provider: &str, model: &str) -> Option<&PricedModel> {
        let (names, model) = (self.names.get(&*fold(provider))?, fold(model));
        // A dated snapshot that the book does not list costs what its model costs; nothing that the book does list
        // is touched by this.
        let place = names.find(&model).or_else(|| names.find(without_date(&model)?))?;
        self.models.get(place)
    }

    /// The price of `model` at the time `at` by this book alone; see [`super::Prices::resolve`].
    pub fn resolve(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<PriceRef<'_>> {
        let model = self.identify(provider, model)?;
        let version = model.on(at.date_naive())?;
        Some(PriceRef { model, version, overridden: false })
    }
}

/// An id without the date that ends it: `-20251001`, `@20251001` or `-2025-10-01`.
fn without_date(model: &str) -> Option<&str> {
    let (rest, date) = model.rsplit_once('@').filter(|(_, date)| date.len() == 8).or_else(|| {
        let at = model.len().checked_sub(11).filter(|at| model.as_bytes()[*at..][5] == b'-');
        let at = at.or_else(|| model.len().checked_sub(9)).filter(|at| model.as_bytes()[*at] == b'-')?;
        Some((&model[..at], &model[at + 1..]))
    })?;
    let format = if date.len() == 8 { "%Y%m%d" } else { "%Y-%m-%d" };
    NaiveDate::parse_from_str(date, format).is_ok_and(|date| date.year() >= 2000).then_some(rest)
}

/// A price that was found: whose, and which version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRef<'a> {
    /// The model that it is the price of.
    pub model: &'a PricedModel,
    /// The version that holds.
    pub version: &'a PriceVersion,
    /// Whether the price is the organization's own.
    pub overridden: bool,
}

impl<'a> PriceRef<'a> {
    /// The rates of a call whose four input buckets hold `whole_input` tokens together: those of the highest
    /// threshold that it exceeds, else the base rates.
    pub fn rates(self, whole_input: u64) -> &'a Rates {
        self.long_context(whole_input).map_or(&self.version.base, |long| &long.rates)
    }

    /// The category of the base rates.
    pub fn category(self) -> Category {
        self.version.base.category()
    }

    /// A short, stable text that names the row which prices such a call, for the record:
    /// `{provider}/{model}@{first day, or -}`, then `+org` for an organization's own price and
    /// `+long{threshold}` for a long-context row. No id holds a `+`.
    pub fn stamp(self, whole_input: u64) -> String {
        let PricedModel { provider, model, .. } = self.model;
        let from = self.version.effective_from.map_or_else(|| "-".into(), |from| from.to_string());
        let org = if self.overridden { "+org" } else { "" };
        let long = self
            .long_context(whole_input)
            .map_or_else(String::new, |long| format!("+long{}", long.above_input_tokens));
        format!("{provider}/{model}@{from}{org}{long}")
    }

    fn long_context(self, whole_input: u64) -> Option<&'a LongContext> {
        self.version.long_context.iter().rfind(|long| whole_input > long.above_input_tokens)
    }
}
