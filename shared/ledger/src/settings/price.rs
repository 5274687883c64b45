//! An organization's own prices, as they are stored: amounts are text.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::money::Quantity;
use crate::pricing::data::{Date, RateSet};
use crate::pricing::{InvalidPrice, LongContext, Override, OwnEntry, OwnPrice, Price, Rate, Rates};

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

impl TryFrom<&RateSettings> for RateSet {
    type Error = InvalidPrice;

    fn try_from(set: &RateSettings) -> Result<Self, InvalidPrice> {
        let mut rates = Self::default();
        for (rate, amount) in [
            (Rate::Input, Some(set.input)),
            (Rate::Output, Some(set.output)),
            (Rate::CacheRead, set.cache_read),
            (Rate::CacheWrite5m, set.cache_write_5m),
            (Rate::CacheWrite1h, set.cache_write_1h),
        ] {
            let price = amount.map(|amount| Price::new(amount.0)).transpose()?;
            rates.set(rate, price.and_then(|price| u64::try_from(price.pico_per_token()).ok()));
        }
        Ok(rates)
    }
}

fn date(day: NaiveDate) -> Date {
    Date::new(u32::try_from(day.year()).unwrap_or_default(), day.month(), day.day())
}

impl TryFrom<&PriceSettings> for OwnEntry {
    type Error = InvalidPrice;

    fn try_from(set: &PriceSettings) -> Result<Self, InvalidPrice> {
        let long = set.long_context.as_ref();
        let long =
            long.map(|long| Ok((long.above_input_tokens, RateSet::try_from(&long.rates)?))).transpose()?;
        Ok(Self {
            provider: set.provider.clone(),
            model: Some(set.model.clone()),
            from: date(set.effective_from),
            price: OwnPrice::Rates { rates: RateSet::try_from(&set.rates)?, long_context: long },
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
