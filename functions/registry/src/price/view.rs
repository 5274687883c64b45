//! An own price in responses.

use chrono::NaiveDate;
use ledger::money::Number;
use ledger::pricing::data::{Rate, RateSet};
use ledger::pricing::{Book, EffectiveRow, OwnPrices, Pricer, date_of};
use ledger::settings::{ALL_MODELS, LongContextSettings, PriceSettings, PriceTerms};
use serde::Serialize;
use web::rates::{RateFields, RateRow};

/// Rates that a price always shows, null if they are not set.
const SHOWN: &[Rate] = &[Rate::Input, Rate::Output, Rate::CacheRead, Rate::CacheWrite5m, Rate::CacheWrite1h];

/// A version of a price.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    provider: String,
    model: String,
    effective_from: NaiveDate,
    #[serde(flatten)]
    rates: RateFields,
    long_context: Option<LongRates>,
    multiplier: Option<Number>,
    alias: Option<String>,
    effective: Vec<RateRow>,
}

/// The rates of calls with long inputs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LongRates {
    above_input_tokens: u64,
    #[serde(flatten)]
    rates: RateFields,
}

impl Price {
    /// The price as it was set, and the rates that result from it and the organization's `others`, as of today or of
    /// its first day if that is later.
    pub fn new(set: &PriceSettings, others: OwnPrices, today: NaiveDate) -> Self {
        let (mut rates, mut long_context, mut multiplier, mut alias) = (RateSet::default(), None, None, None);
        match &set.price {
            PriceTerms::Rates { rates: own, long_context: long } => {
                rates = *own;
                long_context = long.as_ref().map(LongRates::of);
            }
            PriceTerms::Multiplier(factor) => multiplier = Some(Number(factor.0)),
            PriceTerms::Alias(model) => alias = Some(model.clone()),
        }
        Self {
            provider: set.provider.clone(),
            model: set.model.clone(),
            effective_from: set.effective_from,
            rates: RateFields { rates, nullable: SHOWN },
            long_context,
            multiplier,
            alias,
            effective: effective(set, others, today.max(set.effective_from)),
        }
    }
}

impl LongRates {
    fn of(set: &LongContextSettings) -> Self {
        let rates = RateFields { rates: set.rates, nullable: SHOWN };
        Self { above_input_tokens: set.above_input_tokens, rates }
    }
}

fn effective(set: &PriceSettings, mut own: OwnPrices, day: NaiveDate) -> Vec<RateRow> {
    if set.model == ALL_MODELS {
        return Vec::new();
    }
    own.add(Book::builtin(), set.clone().into());
    let rows = Pricer::new(Book::builtin(), &own).rows(&set.provider, &set.model, date_of(day));
    rows.iter().map(|row: &EffectiveRow<'_>| RateRow::new(row, row.complete_rates())).collect()
}

#[cfg(test)]
mod tests {
    use ledger::money::Quantity;
    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    use super::*;
    use crate::limits::tests::reading_required;
    use crate::price::body;

    const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();

    fn shown(provider: &str, model: &str, price: PriceTerms) -> Value {
        let set =
            PriceSettings { provider: provider.into(), model: model.into(), effective_from: DAY, price };
        serde_json::to_value(Price::new(&set, OwnPrices::default(), DAY)).unwrap()
    }

    fn rates(text: &str) -> PriceTerms {
        PriceTerms::Rates { rates: RateSet::parse(text).unwrap(), long_context: None }
    }

    #[test]
    fn a_price_is_returned_as_it_was_set() {
        let given = r#"{"provider":"p","model":"M","effectiveFrom":"2026-11-20","inputPricePerMillion":0.8,
            "outputPricePerMillion":1000000,"cacheReadPricePerMillion":0.000001,"cacheWrite5mPricePerMillion":0,
            "cacheWrite30mPricePerMillion":1,"cacheWrite1hPricePerMillion":1.5,"units":{"pages":0.001},
            "longContext":{"aboveInputTokens":200000,"inputPricePerMillion":2,
            "outputPricePerMillion":3,"cacheReadPricePerMillion":null,"cacheWrite5mPricePerMillion":null,
            "cacheWrite1hPricePerMillion":4},"multiplier":null,"alias":null}"#;
        let price = reading_required(given, body::read).unwrap_or_else(|faults| panic!("{faults:?}")).price;
        let mut found = shown("p", "M", price);
        let effective = found.as_object_mut().unwrap().remove("effective").unwrap();
        assert_eq!(found, serde_json::from_str::<Value>(given).unwrap());
        // The book has no such model, so only the missing price of cache reads can be derived.
        let long = json!({ "aboveInputTokens": 200_000, "inputPricePerMillion": 2, "outputPricePerMillion": 3,
            "cacheReadPricePerMillion": 2, "cacheWrite1hPricePerMillion": 4, "units": { "pages": 0.001 } });
        assert_eq!(effective.as_array().unwrap().len(), 2);
        assert_eq!(effective[1], long);
        assert_eq!(shown("p", "M", rates("input=1.50 output=2"))["inputPricePerMillion"].to_string(), "1.5");
    }

    #[test]
    fn effective_rates_include_those_left_out() {
        let units = json!({ "web_search": 0.01, "web_fetch": 0, "code_execution_hours": 0.05 });
        // 0.4 is half of the list's input price.
        let price = shown("anthropic", "claude-3-5-haiku", rates("input=0.4 output=3"));
        let halved = json!({ "inputPricePerMillion": 0.4, "outputPricePerMillion": 3, "cacheReadPricePerMillion": 0.04,
            "cacheWrite5mPricePerMillion": 0.5, "cacheWrite1hPricePerMillion": 0.8, "units": units });
        assert_eq!(price["effective"], json!([halved]));
        assert_eq!(price["cacheReadPricePerMillion"], Value::Null);

        let half = PriceTerms::Multiplier(Quantity(Decimal::new(5, 1)));
        let price = shown("anthropic", "claude-3-5-haiku", half.clone());
        assert_eq!(price["multiplier"], 0.5);
        let effective = &price["effective"][0];
        assert_eq!(effective["outputPricePerMillion"], 2);
        assert_eq!(effective["units"]["web_search"], 0.005);

        let price = shown("anthropic", "my-haiku", PriceTerms::Alias("claude-3-5-haiku".into()));
        assert_eq!((&price["alias"], &price["effective"][0]["units"]), (&json!("claude-3-5-haiku"), &units));
        assert_eq!(price["effective"][0]["inputPricePerMillion"], 0.8);
        let discount = PriceSettings {
            provider: "anthropic".into(),
            model: "*".into(),
            effective_from: DAY,
            price: half.clone(),
        };
        let alias = PriceTerms::Alias("claude-3-5-haiku".into());
        let alias = PriceSettings { model: "my-haiku".into(), price: alias, ..discount.clone() };
        let others = OwnPrices::new(Book::builtin(), [discount.into()]);
        let price = serde_json::to_value(Price::new(&alias, others, DAY)).unwrap();
        assert_eq!(price["effective"][0]["inputPricePerMillion"], 0.4);
        assert_eq!(shown("anthropic", "*", half)["effective"], json!([]));
    }
}
