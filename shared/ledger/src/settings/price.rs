//! An organization's own prices, as they are stored: amounts are text.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::Quantity;
use crate::pricing::data::{Rate, RateSet};
use crate::pricing::{MULTIPLIER_ONE, OwnEntry, OwnPrice, date_of};

/// Stands for all models of a provider in place of a model's id, which cannot contain it.
pub const ALL_MODELS: &str = "*";

/// The number of own prices, each version counted, that an organization can have. All are read again by every instance
/// of ingest after each change.
pub const MAX_OWN_PRICES: usize = 1_000;

/// An organization's own price, valid from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredPrice", into = "StoredPrice")]
pub struct PriceSettings {
    /// The provider, as the organization spelled it.
    pub provider: String,
    /// The model, as the organization spelled it, or [`ALL_MODELS`].
    pub model: String,
    /// The first day (UTC) on which the price is valid.
    pub effective_from: NaiveDate,
    /// The price.
    pub price: PriceTerms,
}

/// How an own price is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "an organization has few prices, and most of them are rates")]
pub enum PriceTerms {
    /// By rates. What is left out follows the list price; see [`OwnPrice::Rates`].
    Rates {
        /// The rates of a call.
        rates: RateSet,
        /// The rates of a call with a long input, if they differ.
        long_context: Option<LongContextSettings>,
    },
    /// By a factor on the list price.
    Multiplier(Quantity),
    /// As the price of another model of the provider, which the name stands for.
    Alias(String),
}

/// The rates of calls with a long input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongContextSettings {
    /// They apply to calls whose entire input has more tokens than this.
    pub above_input_tokens: u64,
    /// The rates of such calls.
    #[serde(with = "rate_map")]
    pub rates: RateSet,
}

impl LongContextSettings {
    /// The rates, with the unit prices of the other calls: only tokens cost more where the input is long.
    fn rates_beside(&self, short: &RateSet) -> RateSet {
        let mut rates = self.rates;
        for unit in Rate::ALL.into_iter().filter(|rate| rate.is_unit()) {
            rates.set(unit, rates.get(unit).or_else(|| short.get(unit)));
        }
        rates
    }
}

impl PriceSettings {
    /// Whether both set the same price for the same model from the same day on. Provider and model are compared
    /// case-insensitively.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.provider.eq_ignore_ascii_case(&other.provider)
            && self.model.eq_ignore_ascii_case(&other.model)
            && (self.effective_from, &self.price) == (other.effective_from, &other.price)
    }
}

impl From<PriceSettings> for OwnEntry {
    fn from(set: PriceSettings) -> Self {
        Self {
            provider: set.provider,
            model: Some(set.model).filter(|model| model != ALL_MODELS),
            from: date_of(set.effective_from),
            price: match set.price {
                PriceTerms::Rates { rates, long_context } => OwnPrice::Rates {
                    rates,
                    long_context: long_context
                        .map(|long| (long.above_input_tokens, long.rates_beside(&rates))),
                },
                PriceTerms::Multiplier(factor) => {
                    let millionths = factor.0 * Decimal::from(MULTIPLIER_ONE);
                    OwnPrice::Multiplier(millionths.to_u64().unwrap_or(MULTIPLIER_ONE))
                }
                PriceTerms::Alias(model) => OwnPrice::Alias(model),
            },
        }
    }
}

/// The stored form: one of `rates`, `multiplier` and `alias` is present.
#[derive(Serialize, Deserialize)]
struct StoredPrice {
    provider: String,
    model: String,
    effective_from: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rates: Option<RateMap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    long_context: Option<LongContextSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multiplier: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
}

impl From<PriceSettings> for StoredPrice {
    fn from(set: PriceSettings) -> Self {
        let PriceSettings { provider, model, effective_from, price } = set;
        let (rates, long_context, multiplier, alias) = match price {
            PriceTerms::Rates { rates, long_context } => (Some(RateMap(rates)), long_context, None, None),
            PriceTerms::Multiplier(factor) => (None, None, Some(factor), None),
            PriceTerms::Alias(model) => (None, None, None, Some(model)),
        };
        Self { provider, model, effective_from, rates, long_context, multiplier, alias }
    }
}

impl TryFrom<StoredPrice> for PriceSettings {
    type Error = &'static str;

    fn try_from(stored: StoredPrice) -> Result<Self, &'static str> {
        let StoredPrice { provider, model, effective_from, rates, long_context, multiplier, alias } = stored;
        let price = match (rates, multiplier, alias) {
            (Some(RateMap(rates)), None, None) => PriceTerms::Rates { rates, long_context },
            (None, Some(factor), None) => PriceTerms::Multiplier(factor),
            (None, None, Some(model)) => PriceTerms::Alias(model),
            _ => return Err("a price is one of rates, multiplier and alias"),
        };
        Ok(Self { provider, model, effective_from, price })
    }
}

/// Rates as a map from the rate's name to dollars.
struct RateMap(RateSet);

impl Serialize for RateMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(rate, pico)| (rate.name(), Quantity(rate.dollars(pico)))))
    }
}

impl<'de> Deserialize<'de> for RateMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rates = RateSet::default();
        for (name, dollars) in BTreeMap::<String, Quantity>::deserialize(deserializer)? {
            let unknown = || D::Error::custom(format!("{name:?} is not a rate"));
            let rate = Rate::from_name(&name).ok_or_else(unknown)?;
            let pico =
                rate.pico(dollars.0).ok_or_else(|| D::Error::custom(format!("{name} is not a price")))?;
            rates.set(rate, Some(pico));
        }
        Ok(Self(rates))
    }
}

mod rate_map {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{RateMap, RateSet};

    pub fn serialize<S: Serializer>(rates: &RateSet, serializer: S) -> Result<S::Ok, S::Error> {
        RateMap(*rates).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RateSet, D::Error> {
        RateMap::deserialize(deserializer).map(|map| map.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::pricing::data::Date;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn price(price: PriceTerms) -> PriceSettings {
        let effective_from = NaiveDate::from_ymd_opt(2026, 9, 1).unwrap();
        PriceSettings { provider: "P".into(), model: "M".into(), effective_from, price }
    }

    fn rates(text: &str) -> RateSet {
        RateSet::parse(text).unwrap()
    }

    #[test]
    fn amounts_are_stored_as_text() {
        let long = LongContextSettings { above_input_tokens: 200_000, rates: rates("input=2") };
        for (terms, stored) in [
            (
                PriceTerms::Rates {
                    rates: rates("input=0.50 web_search=0.0000001"),
                    long_context: Some(long),
                },
                json!({
                    "rates": { "input": "0.5", "web_search": "0.0000001" },
                    "long_context": { "above_input_tokens": 200_000, "rates": { "input": "2" } },
                }),
            ),
            (PriceTerms::Multiplier(Quantity(Decimal::new(85, 2))), json!({ "multiplier": "0.85" })),
            (PriceTerms::Alias("gpt-5".into()), json!({ "alias": "gpt-5" })),
        ] {
            let set = price(terms);
            let mut expected = json!({ "provider": "P", "model": "M", "effective_from": "2026-09-01" });
            expected.as_object_mut().unwrap().extend(stored.as_object().unwrap().clone());
            assert_eq!(serde_json::to_value(&set).unwrap(), expected);
            assert_eq!(serde_json::from_value::<PriceSettings>(expected).unwrap(), set);
        }
        let both =
            r#"{"provider":"p","model":"m","effective_from":"2026-09-01","multiplier":"1","alias":"a"}"#;
        assert!(serde_json::from_str::<PriceSettings>(both).is_err());
    }

    #[test]
    fn malformed_rates_are_rejected() {
        for bad in [r#"{"inputs":"1"}"#, r#"{"input":"0.0000001"}"#, r#"{"input":"-1"}"#, r#"{"input":1}"#] {
            let text = format!(r#"{{"above_input_tokens":1,"rates":{bad}}}"#);
            assert!(serde_json::from_str::<LongContextSettings>(&text).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_star_stands_for_all_models() {
        let all = PriceSettings {
            model: "*".into(),
            ..price(PriceTerms::Multiplier(Quantity(Decimal::new(85, 2))))
        };
        let entry = OwnEntry::from(all);
        assert_eq!((entry.model, entry.from), (None, Date::new(2026, 9, 1)));
        assert_eq!(entry.price, OwnPrice::Multiplier(850_000));
    }

    #[test]
    fn unit_prices_hold_for_long_inputs_too() {
        let long = LongContextSettings { above_input_tokens: 1_000, rates: rates("input=2 output=4") };
        let terms = PriceTerms::Rates { rates: rates("input=1 web_search=0.5"), long_context: Some(long) };
        let OwnPrice::Rates { long_context, .. } = OwnEntry::from(price(terms)).price else { panic!() };
        assert_eq!(long_context, Some((1_000, rates("input=2 output=4 web_search=0.5"))));
    }

    proptest! {
        #[test]
        fn every_set_of_rates_can_be_stored(prices in prop::collection::vec(prop::option::of(0..=10_u64.pow(12)), Rate::ALL.len())) {
            let mut rates = RateSet::default();
            for (rate, pico) in Rate::ALL.into_iter().zip(prices) {
                rates.set(rate, pico);
            }
            let set = price(PriceTerms::Rates { rates, long_context: None });
            let text = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<PriceSettings>(&text).unwrap(), set);
        }
    }
}
