//! Rates per kind of token, as requests and responses spell them.

use ledger::money::{Number, Quantity};
use ledger::settings::{LongContextSettings, RateSettings};
use serde::Serialize;
use web::fields::{FieldReader, integer, quantity};

/// The highest price, in dollars per million tokens. [`ledger::pricing::Price`] holds six decimals.
const MAX_PRICE: u64 = 1_000_000;
/// The highest threshold of a long-context price: the maximum input of a call.
const MAX_ABOVE: u64 = 4_000_000_000;

/// USD per million tokens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    input_price_per_million: Number,
    output_price_per_million: Number,
    cache_read_price_per_million: Option<Number>,
    #[serde(rename = "cacheWrite5mPricePerMillion")]
    cache_write_5m_price_per_million: Option<Number>,
    #[serde(rename = "cacheWrite1hPricePerMillion")]
    cache_write_1h_price_per_million: Option<Number>,
}

impl Rates {
    pub fn of(set: &RateSettings) -> Self {
        let number = |amount: Quantity| Number(amount.0);
        Self {
            input_price_per_million: number(set.input),
            output_price_per_million: number(set.output),
            cache_read_price_per_million: set.cache_read.map(number),
            cache_write_5m_price_per_million: set.cache_write_5m.map(number),
            cache_write_1h_price_per_million: set.cache_write_1h.map(number),
        }
    }
}

/// The rates of calls with long inputs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LongRates {
    above_input_tokens: u64,
    #[serde(flatten)]
    rates: Rates,
}

impl LongRates {
    pub fn of(set: &LongContextSettings) -> Self {
        Self { above_input_tokens: set.above_input_tokens, rates: Rates::of(&set.rates) }
    }
}

/// Reads the rates from the fields of an object.
pub fn read(fields: &mut FieldReader<'_>) -> Option<RateSettings> {
    let price = || quantity(MAX_PRICE);
    let input = fields.required("inputPricePerMillion", price());
    let output = fields.required("outputPricePerMillion", price());
    let mut optional = |name| fields.optional(name, price()).map(Quantity);
    let cache_read = optional("cacheReadPricePerMillion");
    let cache_write_5m = optional("cacheWrite5mPricePerMillion");
    let cache_write_1h = optional("cacheWrite1hPricePerMillion");
    let (input, output) = (Quantity(input?), Quantity(output?));
    Some(RateSettings { input, output, cache_read, cache_write_5m, cache_write_1h })
}

/// Reads optional long-context rates.
pub fn read_long(fields: &mut FieldReader<'_>, name: &'static str) -> Option<LongContextSettings> {
    fields.object(name, |fields| {
        let above_input_tokens = fields.required("aboveInputTokens", integer(1..=MAX_ABOVE));
        let rates = read(fields);
        Some(LongContextSettings { above_input_tokens: above_input_tokens?, rates: rates? })
    })
}
