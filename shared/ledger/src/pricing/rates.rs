//! Prices as numbers.

use rust_decimal::Decimal;

use super::Category;

/// The highest price, in USD per million tokens: a dollar a token. Together with [`Price::MAX_SCALE`] it
/// bounds what a call can cost, so that no cost needs more digits than there are.
const MAX_PRICE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// Why a number is not a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrice {
    /// Below zero.
    #[error("Price should not be negative")]
    Negative,
    /// Above a million dollars per million tokens.
    #[error("Price should be at most 1000000 per million tokens")]
    TooHigh,
    /// More than [`Price::MAX_SCALE`] decimals.
    #[error("Price should have at most 6 decimals")]
    TooPrecise,
}

/// A price: USD per million tokens, from 0 to 1,000,000, with at most 6 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(Decimal);

impl Price {
    /// Decimals that a price may carry; trailing zeros do not count.
    pub const MAX_SCALE: u32 = 6;

    /// The price of `usd` per million tokens, if it can be one.
    pub fn new(usd: Decimal) -> Result<Self, InvalidPrice> {
        let usd = usd.normalize();
        if usd < Decimal::ZERO {
            Err(InvalidPrice::Negative)
        } else if usd > MAX_PRICE {
            Err(InvalidPrice::TooHigh)
        } else if usd.scale() > Self::MAX_SCALE {
            Err(InvalidPrice::TooPrecise)
        } else {
            Ok(Self(usd))
        }
    }

    /// USD per million tokens.
    pub const fn per_million(self) -> Decimal {
        self.0
    }

    /// Millionths of a dollar per million tokens: the same as picodollars (10⁻¹² USD) per token. Exact.
    pub const fn pico_per_token(self) -> i128 {
        self.0.mantissa() * 10_i128.pow(Self::MAX_SCALE - self.0.scale())
    }
}

/// What one kind of call costs, by bucket of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Input that no cache was involved in.
    pub input: Price,
    /// Output, reasoning included.
    pub output: Price,
    /// Input read from a cache, where it has a price of its own.
    pub cache_read: Option<Price>,
    /// Input written to a cache for 5 minutes, where it has a price of its own.
    pub cache_write_5m: Option<Price>,
    /// Input written to a cache for an hour, where it has a price of its own.
    pub cache_write_1h: Option<Price>,
}

impl Rates {
    /// The price of input read from a cache: the input price where it has none of its own.
    pub fn cache_read_price(&self) -> Price {
        self.cache_read.unwrap_or(self.input)
    }

    /// The price of a cache write for 5 minutes: the input price where it has none of its own.
    pub fn cache_write_5m_price(&self) -> Price {
        self.cache_write_5m.unwrap_or(self.input)
    }

    /// The price of a cache write for an hour: the input price where it has none of its own.
    pub fn cache_write_1h_price(&self) -> Price {
        self.cache_write_1h.unwrap_or(self.input)
    }

    /// One figure to compare models by: (3 × input + output) / 4, in USD per million tokens, exact.
    pub fn blended(&self) -> Decimal {
        (Decimal::from(3) * self.input.0 + self.output.0) / Decimal::from(4)
    }

    /// The category that these rates put a model in.
    pub fn category(&self) -> Category {
        let pico = |price: Price| u64::try_from(price.pico_per_token()).unwrap_or(u64::MAX);
        Category::of(pico(self.input), pico(self.output))
    }
}

/// The rates of calls with a long input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongContext {
    /// They price a call, output included, whose whole input has more tokens than this.
    pub above_input_tokens: u64,
    /// The rates.
    pub rates: Rates,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn rates(input: &str, output: &str) -> Rates {
        let price = |text| Price::new(dec(text)).unwrap();
        let [input, output] = [input, output].map(price);
        Rates { input, output, cache_read: None, cache_write_5m: None, cache_write_1h: None }
    }

    #[test]
    fn a_price_is_bounded_and_has_at_most_six_decimals() {
        for (usd, pico) in [
            ("0", 0),
            ("0.000001", 1),
            ("0.8", 800_000),
            ("3.0000000000", 3_000_000),
            ("1000000", 1_000_000_000_000),
            ("999999.999999", 999_999_999_999),
        ] {
            assert_eq!(Price::new(dec(usd)).map(Price::pico_per_token), Ok(pico), "{usd}");
        }
        for (usd, why) in [
            ("-0.01", InvalidPrice::Negative),
            ("1000000.000001", InvalidPrice::TooHigh),
            ("0.0000001", InvalidPrice::TooPrecise),
        ] {
            assert_eq!(Price::new(dec(usd)), Err(why), "{usd}");
        }
    }

    #[test]
    fn a_missing_cache_price_is_the_input_price() {
        let mut rates = rates("3", "15");
        assert_eq!(rates.cache_read_price(), rates.input);
        assert_eq!(rates.cache_write_5m_price(), rates.input);
        assert_eq!(rates.cache_write_1h_price(), rates.input);
        let free = Price::new(Decimal::ZERO).unwrap();
        (rates.cache_read, rates.cache_write_5m, rates.cache_write_1h) = (Some(free), Some(free), Some(free));
        assert_eq!(rates.cache_read_price(), free);
        assert_eq!(rates.cache_write_5m_price(), free);
        assert_eq!(rates.cache_write_1h_price(), free);
    }

    #[test]
    fn the_category_follows_the_blended_price_at_both_edges() {
        for (input, output, blended, category) in [
            ("0.8", "4", "1.6", Category::Economy),
            ("2", "2", "2", Category::Economy),
            ("2", "2.000001", "2.00000025", Category::Standard),
            ("5", "4.999999", "4.99999975", Category::Standard),
            ("5", "5", "5", Category::Flagship),
            ("3", "15", "6", Category::Flagship),
        ] {
            let rates = rates(input, output);
            assert_eq!((rates.blended(), rates.category()), (dec(blended), category), "{input} / {output}");
        }
        assert!(Category::Economy < Category::Standard && Category::Standard < Category::Flagship);
        assert_eq!(serde_json::to_string(&Category::Economy).unwrap(), r#""economy""#);
    }
}
