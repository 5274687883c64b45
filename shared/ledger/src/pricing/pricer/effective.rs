use std::borrow::Cow;

use super::super::catalog::ModelEntry;
use super::super::category::Category;
use super::super::data::{Date, Rate, RateSet, Tier, Window};
use super::super::own::{OwnEntry, OwnPrice, multiplied, scaled};
use super::super::select::Query;
use super::super::tables::PriceRow;
use super::cost::writes;

/// The rates that hold under certain conditions, own prices included.
#[derive(Clone, Debug)]
pub struct EffectiveRow<'p> {
    /// The provider's id, or its name where the book does not know it.
    pub provider: Cow<'p, str>,
    /// The model's id, or the name of the own price where the book does not know the model.
    pub model: Cow<'p, str>,
    /// The model of the book.
    pub entry: Option<ModelEntry>,
    /// The row of the book.
    pub list: Option<PriceRow>,
    /// The own price.
    pub own: Option<&'p OwnEntry>,
    /// The threshold of the row.
    pub above_input_tokens: u64,
    /// The rates.
    pub rates: RateSet,
}

impl<'p> EffectiveRow<'p> {
    /// A row of an own price for a model that the book does not price.
    pub(super) fn unlisted(
        provider: impl Into<Cow<'p, str>>,
        own: &'p OwnEntry,
        above_input_tokens: u64,
        rates: RateSet,
    ) -> Self {
        Self {
            provider: provider.into(),
            model: own.model.as_deref().unwrap_or_default().into(),
            entry: None,
            list: None,
            own: Some(own),
            above_input_tokens,
            rates,
        }
    }

    /// The service tier that the row is for.
    pub fn tier(&self) -> Tier {
        self.list.map(PriceRow::tier).unwrap_or_default()
    }

    /// The region that the row is for; empty: every region without a row of its own.
    pub fn region(&self) -> &'static str {
        self.list.map(PriceRow::region).unwrap_or_default()
    }

    /// The hours of the week that the row is for; none: the hours without a row of their own.
    pub fn window(&self) -> Option<Window> {
        self.list.and_then(PriceRow::window)
    }

    /// The first day on which these rates hold; none: since ever.
    pub fn since(&self) -> Option<Date> {
        let own = self.own.map(|own| own.from);
        let list = self.list.map(PriceRow::from).filter(|from| *from > Date::MIN);
        own.max(list)
    }

    /// All rates, those included that follow from others: cache writes of which the provider states a multiple of
    /// input, and cache reads, which cost what input costs where they have no price of their own.
    pub fn complete_rates(&self) -> RateSet {
        let mut rates = self.rates_with_writes();
        for (part, whole) in [(Rate::CacheRead, Rate::Input), (Rate::CacheReadAudio, Rate::InputAudio)] {
            rates.set(part, rates.get(part).or_else(|| rates.get(whole)));
        }
        rates
    }

    /// The rates, with cache writes of which the provider states a multiple of input.
    pub fn rates_with_writes(&self) -> RateSet {
        let mut rates = self.rates;
        let (write_5m, write_1h) = writes(self);
        rates.set(Rate::CacheWrite5m, write_5m);
        rates.set(Rate::CacheWrite1h, write_1h);
        rates
    }

    /// The class of the model by its price; none where input or output has no price.
    pub fn category(&self) -> Option<Category> {
        Some(Category::of(self.rates.get(Rate::Input)?, self.rates.get(Rate::Output)?))
    }

    /// A short, stable text that names the row for the record: `{provider}/{model}@{first day, or -}`, then what else
    /// decided: `+org` for an own price, `+{tier}`, `+{region}`, `+hours`, `+long{threshold}`.
    pub fn stamp(&self) -> String {
        use std::fmt::Write as _;
        let mut stamp = String::with_capacity(self.provider.len() + self.model.len() + 40);
        stamp.push_str(&self.provider);
        stamp.push('/');
        stamp.push_str(&self.model);
        stamp.push('@');
        let from = self.own.map(|own| own.from).or_else(|| self.list.map(PriceRow::from));
        match from.filter(|from| *from > Date::MIN) {
            Some(from) => write!(stamp, "{from}"),
            None => write!(stamp, "-"),
        }
        .unwrap_or_default();
        if self.own.is_some() {
            stamp.push_str("+org");
        }
        if let Some(row) = self.list {
            for part in [if row.tier() == Tier::Standard { "" } else { row.tier().name() }, row.region()] {
                if !part.is_empty() {
                    stamp.push('+');
                    stamp.push_str(part);
                }
            }
            if row.window().is_some() {
                stamp.push_str("+hours");
            }
        }
        if self.above_input_tokens > 0 {
            write!(stamp, "+long{}", self.above_input_tokens).unwrap_or_default();
        }
        stamp
    }
}

/// A row of the list under an own price.
///
/// `short` is the row of the same conditions without a threshold: own steps replace those of the list.
pub(super) fn effective<'p>(
    model: ModelEntry,
    list: PriceRow,
    short: impl FnOnce() -> PriceRow,
    own: Option<&'p OwnEntry>,
    query: Query<'_>,
) -> EffectiveRow<'p> {
    let mut above_input_tokens = list.above_input_tokens();
    let rates = match own.map(|own| &own.price) {
        None | Some(OwnPrice::Alias(_)) => list.rates(),
        Some(OwnPrice::Multiplier(factor)) => multiplied(&list.rates(), *factor),
        Some(OwnPrice::Rates { rates, long_context }) => {
            let base = model.base_row(query.day).unwrap_or(list);
            match long_context {
                Some((above, long)) if query.whole_input > *above => {
                    above_input_tokens = *above;
                    scaled(long, &list.rates(), &list.rates())
                }
                Some(_) => {
                    above_input_tokens = 0;
                    scaled(rates, &short().rates(), &base.rates())
                }
                None => scaled(rates, &list.rates(), &base.rates()),
            }
        }
    };
    EffectiveRow {
        provider: Cow::Borrowed(model.provider().id()),
        model: Cow::Borrowed(model.id()),
        entry: Some(model),
        list: Some(list),
        own,
        above_input_tokens,
        rates,
    }
}
