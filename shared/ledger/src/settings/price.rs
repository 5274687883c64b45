//! An organization's own prices, as they are stored: amounts are text.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::money::Quantity;
use crate::pricing::{InvalidPrice, LongContext, Override, Price, Rates};

/// An organization's own price for a model, valid from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSettings {
    /// The provider, as the organization spelled it.
    pub provider: String,
    /// The model, as the organization spelled it.
    pub model: String,
    /// The first day (UTC) on which the price is valid.
    pub effective_from: NaiveDate,
    /// The rates of a call.
    pub rates: RateSettings,
    /// The rates of a call with a long input, if they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_context: Option<LongContextSettings>,
}

/// Rates in US dollars per million tokens, by token bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateSettings {
    /// Uncached input.
    pub input: Quantity,
    /// Output.
    pub output: Quantity,
    /// Input read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Quantity>,
    /// Input written to a cache for 5 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<Quantity>,
    /// Input written to a cache for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Quantity>,
}

/// The rates of calls with a long input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongContextSettings {
    /// They apply to calls whose entire input has more tokens than this.
    pub above_input_tokens: u64,
    /// The rates of such calls.
    pub rates: RateSettings,
}

impl PriceSettings {
    /// Whether both set the same rates for the same model from the same day on. Provider and model are compared
    /// case-insensitively.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.provider.eq_ignore_ascii_case(&other.provider)
            && self.model.eq_ignore_ascii_case(&other.model)
            && (self.effective_from, &self.rates, &self.long_context)
                == (other.effective_from, &other.rates, &other.long_context)
    }
}

impl TryFrom<&RateSettings> for Rates {
    type Error = InvalidPrice;

    fn try_from(set: &RateSettings) -> Result<Self, InvalidPrice> {
        let price = |amount: Quantity| Price::new(amount.0);
        Ok(Self {
            input: price(set.input)?,
            output: price(set.output)?,
            cache_read: set.cache_read.map(price).transpose()?,
            cache_write_5m: set.cache_write_5m.map(price).transpose()?,
            cache_write_1h: set.cache_write_1h.map(price).transpose()?,
        })
    }
}

impl TryFrom<PriceSettings> for Override {
    type Error = InvalidPrice;

    fn try_from(set: PriceSettings) -> Result<Self, InvalidPrice> {
        let long_context = |long: &LongContextSettings| {
            let rates = Rates::try_from(&long.rates)?;
            Ok(LongContext { above_input_tokens: long.above_input_tokens, rates })
        };
        Ok(Self {
            rates: Rates::try_from(&set.rates)?,
            long_context: set.long_context.as_ref().map(long_context).transpose()?,
            provider: set.provider,
            model: set.model,
            effective_from: set.effective_from,
        })
    }
}
