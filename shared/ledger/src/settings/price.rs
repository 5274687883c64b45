//! An organisation's own prices, as they are stored: amounts as text.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::money::Quantity;
use crate::pricing::{InvalidPrice, LongContext, Override, Price, Rates};

/// A price that an organisation has set, from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSettings {
    /// The provider, as it was spelled.
    pub provider: String,
    /// The model, as it was spelled.
    pub model: String,
    /// The first day (UTC) on which it holds.
    pub effective_from: NaiveDate,
    /// What a call costs.
    pub rates: RateSettings,
    /// What a call with a long input costs, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_context: Option<LongContextSettings>,
}

/// USD per million tokens, by bucket.
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
    /// They price a call whose whole input has more tokens than this.
    pub above_input_tokens: u64,
    /// The rates.
    pub rates: RateSettings,
}

impl PriceSettings {
    /// Whether both price the same thing from the same day on in the same way; ids compare in lower case.
    pub fn says_the_same(&self, other: &Self) -> bool {
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
