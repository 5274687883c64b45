use std::borrow::Cow;

use super::super::catalog::ModelEntry;
use super::super::data::{Date, RateSet, Tier};
use super::super::own::{OwnEntry, OwnPrice, multiplied, scaled};
use super::super::select::Query;
use super::super::tables::PriceRow;

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

impl EffectiveRow<'_> {
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
pub(super) fn effective<'p>(
    model: ModelEntry,
    list: PriceRow,
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
                // Own steps replace those of the list.
                Some((above, long)) if query.whole_input > *above => {
                    above_input_tokens = *above;
                    scaled(long, &list.rates(), &list.rates())
                }
                Some(_) => {
                    above_input_tokens = 0;
                    let short = model.select(Query { whole_input: 0, ..query }).unwrap_or(list);
                    scaled(rates, &short.rates(), &base.rates())
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
