use std::borrow::Cow;

use super::super::catalog::ModelEntry;
use super::super::data::{Date, Tier};
use super::super::own::{OwnEntry, OwnPrice, provider_id};
use super::super::select::Query;
use super::super::tables::PriceRow;
use super::effective::{EffectiveRow, effective};
use super::{Meaning, Pricer};

/// A model that has prices on a day, and all its rows.
#[derive(Clone, Debug)]
pub struct ListedModel<'p> {
    /// The provider's id, or its name where the book does not know it.
    pub provider: Cow<'p, str>,
    /// The model's id, or the name that an own price is for.
    pub id: Cow<'p, str>,
    /// The model of the book; none where only the organization knows it.
    pub entry: Option<ModelEntry>,
    /// The organization's own entry, where there is one.
    pub own: Option<&'p OwnEntry>,
}

impl<'p> Pricer<'p> {
    /// Every model that has a price on `day`, by provider, then by id. An own price for another name than a model's id
    /// is listed under this name as well.
    pub fn list(self, day: Date) -> Vec<ListedModel<'p>> {
        let mut list: Vec<_> = self
            .book
            .models()
            .filter(|model| model.rows().any(|row| row.holds_on(day)))
            .map(|model| ListedModel {
                provider: Cow::Borrowed(model.provider().id()),
                id: Cow::Borrowed(model.id()),
                entry: Some(model),
                own: self.own.of_model(model, day),
            })
            .collect();
        list.extend(self.own.names().filter_map(|(provider, name)| self.own_name(provider, name, day)));
        list.sort_by(|a, b| (&a.provider, &a.id).cmp(&(&b.provider, &b.id)));
        list
    }

    /// A name that is no model's id but has an own price that holds for some model.
    fn own_name(self, provider: &'p str, name: &'p str, day: Date) -> Option<ListedModel<'p>> {
        let own = self.own.named(provider, name, day)?;
        let Meaning { found, .. } = self.meaning(provider, name, day);
        let entry = found.map(|found| found.model);
        let is_listed =
            entry.is_some_and(|model| model.id().eq_ignore_ascii_case(name) && has_price(model, day));
        let is_priced =
            matches!(own.price, OwnPrice::Rates { .. }) || entry.is_some_and(|model| has_price(model, day));
        if is_listed || !is_priced {
            return None;
        }
        Some(ListedModel {
            provider: Cow::Borrowed(provider),
            id: Cow::Borrowed(own.model.as_deref()?),
            entry,
            own: Some(own),
        })
    }

    /// The rows of a name on `day`, as they are for the organization, the row without conditions first.
    pub fn rows(self, provider: &str, name: &str, day: Date) -> Vec<EffectiveRow<'p>> {
        let Meaning { found, own, .. } = self.meaning(provider, name, day);
        let mut rows = found.map_or_else(Vec::new, |found| listed(found.model, own, day));
        if let (true, Some(own)) = (rows.is_empty(), own)
            && let OwnPrice::Rates { rates, long_context } = &own.price
        {
            let provider = provider_id(self.book, provider);
            rows.push(EffectiveRow::unlisted(provider.clone(), own, 0, *rates));
            rows.extend(
                long_context.map(|(above, rates)| EffectiveRow::unlisted(provider, own, above, rates)),
            );
        }
        rows
    }
}

fn has_price(model: ModelEntry, day: Date) -> bool {
    model.rows().any(|row| row.holds_on(day))
}

/// The rows of a model of the book on `day` under an own price.
fn listed(model: ModelEntry, own: Option<&OwnEntry>, day: Date) -> Vec<EffectiveRow<'_>> {
    let mut rows = Vec::new();
    let today = || model.rows().filter(move |row| row.holds_on(day));
    let own_step = match own.map(|own| &own.price) {
        Some(OwnPrice::Rates { long_context: Some((above, _)), .. }) => Some(*above),
        _ => None,
    };
    for row in today() {
        let at = |list: PriceRow, above: u64| {
            let whole_input = if above == 0 { 0 } else { above + 1 };
            let query = Query { day, slot: 0, tier: Some(row.tier()), region: row.region(), whole_input };
            EffectiveRow { above_input_tokens: above, ..effective(model, list, || row, own, query) }
        };
        match own_step {
            None => rows.push(at(row, row.above_input_tokens())),
            // The steps of the list come with the row without one.
            Some(_) if row.above_input_tokens() > 0 => {}
            Some(step) => {
                let same = |other: &PriceRow| {
                    (other.tier(), other.region(), other.window()) == (row.tier(), row.region(), row.window())
                };
                let mut longer: Vec<_> = today().filter(same).collect();
                longer.sort_by_key(|other| other.above_input_tokens());
                let at_step = longer.iter().rfind(|other| other.above_input_tokens() <= step);
                rows.extend([at(row, 0), at(at_step.copied().unwrap_or(row), step)]);
                for other in longer.into_iter().filter(|other| other.above_input_tokens() > step) {
                    let next = at(other, other.above_input_tokens());
                    if rows.last().is_none_or(|last| last.rates != next.rates) {
                        rows.push(next);
                    }
                }
            }
        }
    }
    // The sort is stable: other rows stay in the order of the book.
    rows.sort_by_key(|row| !is_base(row));
    rows
}

fn is_base(row: &EffectiveRow<'_>) -> bool {
    row.above_input_tokens == 0
        && row.list.is_none_or(|list| {
            list.tier() == Tier::Standard && list.region().is_empty() && list.window().is_none()
        })
}
