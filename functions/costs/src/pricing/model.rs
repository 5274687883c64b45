//! A model in the list of prices. What is not known or does not apply has no field: for some 5,700 models that saves a
//! quarter of the list, which stays below 2 MB.

use ledger::money::Number;
use ledger::pricing::data::{Date, Mode, Rate, RateSet, Tier};
use ledger::pricing::{Category, EffectiveRow, ListedModel, MULTIPLIER_ONE, ModelEntry, OwnPrice};
use rust_decimal::Decimal;
use serde::Serialize;
use web::rates::{RateFields, RateRow};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Model<'m> {
    id: &'m str,
    provider: &'m str,
    category: Category,
    #[serde(flatten)]
    rates: RateFields,
    /// The rates that are 0 because there is no price.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    without_price: Vec<&'static str>,
    /// Prices for calls with long inputs, by ascending threshold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    long_context: Vec<RateRow>,
    /// Prices for other tiers, regions and hours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_prices: Vec<RateRow>,
    /// The first UTC day of these prices; absent if they always applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<String>,
    /// Other ids of the same model. A trailing `*` matches all ids with that prefix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    /// The model whose prices these are, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    priced_as: Option<&'static str>,
    /// Whether the price is the organization's own.
    overridden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiplier: Option<Number>,
    #[serde(flatten)]
    lifecycle: Option<Lifecycle>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    deprecated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retires_on: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    retired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<&'static str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl<'m> Model<'m> {
    /// `rows` are the rows of the model on `day`, the one without conditions first.
    pub fn new(model: &'m ListedModel<'_>, rows: &[EffectiveRow<'_>], day: Date) -> Self {
        let first = rows.first();
        let mut rates = first.map(EffectiveRow::rates_with_writes).unwrap_or_default();
        let missing: Vec<_> =
            [Rate::Input, Rate::Output].into_iter().filter(|rate| rates.get(*rate).is_none()).collect();
        for rate in &missing {
            rates.set(*rate, Some(0));
        }
        let price = |rate| rates.get(rate).unwrap_or_default();
        let shown =
            |row: &EffectiveRow<'_>| RateRow::new(row, without_units_of(row.rates_with_writes(), &rates));
        let (plain, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| is_plain(row));
        Self {
            id: &model.id,
            provider: &model.provider,
            category: Category::of(price(Rate::Input), price(Rate::Output)),
            rates: rates.into(),
            without_price: missing.into_iter().map(Rate::name).collect(),
            long_context: plain.into_iter().filter(|row| row.above_input_tokens > 0).map(shown).collect(),
            other_prices: others.into_iter().map(shown).collect(),
            effective_from: first.and_then(EffectiveRow::since).map(|day| day.to_string()),
            aliases: model.entry.filter(|entry| entry.id() == model.id).map_or_else(Vec::new, aliases),
            priced_as: model.entry.map(|entry| entry.priced_as().id()).filter(|id| *id != model.id),
            overridden: first.is_some_and(|row| row.own.is_some()),
            multiplier: first.and_then(multiplier),
            lifecycle: model.entry.map(|entry| Lifecycle::new(entry, day)),
        }
    }
}

/// `rates` without the prices of units that are the same in `first`: nearly all are, and they would make up a tenth of
/// the list.
fn without_units_of(mut rates: RateSet, first: &RateSet) -> RateSet {
    for unit in Rate::UNITS {
        if rates.get(*unit) == first.get(*unit) {
            rates.set(*unit, None);
        }
    }
    rates
}

fn is_plain(row: &EffectiveRow<'_>) -> bool {
    row.tier() == Tier::Standard && row.region().is_empty() && row.window().is_none()
}

fn multiplier(row: &EffectiveRow<'_>) -> Option<Number> {
    match row.own?.price {
        OwnPrice::Multiplier(millionths) => {
            Some(Number((Decimal::from(millionths) / Decimal::from(MULTIPLIER_ONE)).normalize()))
        }
        _ => None,
    }
}

impl Lifecycle {
    fn new(entry: ModelEntry, day: Date) -> Self {
        let retires_on = entry.retires_on();
        Self {
            mode: Some(entry.mode()).filter(|mode| *mode != Mode::Unknown).map(Mode::name),
            context_tokens: entry.context_tokens(),
            output_tokens: entry.output_tokens(),
            released: entry.released().map(|day| day.to_string()),
            deprecated: entry.is_deprecated(),
            retires_on: retires_on.map(|day| day.to_string()),
            retired: retires_on.is_some_and(|from| from <= day),
            successor: entry.successor(),
        }
    }
}

/// The aliases of a model in the API's pattern syntax. An exact alias has no mark; that a prefix has exceptions is not
/// shown.
fn aliases(entry: ModelEntry) -> Vec<String> {
    entry.aliases().map(shown).collect()
}

fn shown(alias: &str) -> String {
    match alias.strip_prefix('^') {
        Some(prefix) => format!("{prefix}*"),
        None => alias.trim_start_matches('=').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_shown_as_patterns() {
        assert_eq!(shown("=claude-haiku-3.5"), "claude-haiku-3.5");
        assert_eq!(shown("^claude-3-5-haiku"), "claude-3-5-haiku*");
    }
}
