//! What one call costs. A price has at most 6 decimals and is per million tokens, so a token costs a whole
//! number of picodollars (10⁻¹² USD), and all sums here are sums of whole numbers. One thing alone is ever
//! rounded: the split of a provider's own figure, see [`price_call`].

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{MAX_SCALE, Usd};
use crate::pricing::{Price, Prices, Rates, scale_half_even};

/// Tokens by the bucket that prices them; the buckets share no token. A call has at most 10⁹ in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Input that no cache was involved in.
    #[serde(rename = "input_tokens")]
    pub input: u64,
    /// Output, reasoning included.
    #[serde(rename = "output_tokens")]
    pub output: u64,
    /// Input read from a cache.
    #[serde(rename = "cache_read_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input written to a cache for 5 minutes.
    #[serde(rename = "cache_write_5m_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_write_5m: u64,
    /// Input written to a cache for an hour.
    #[serde(rename = "cache_write_1h_tokens", default, skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

impl TokenCounts {
    /// All tokens of the input: the sum of its four buckets.
    pub const fn whole_input(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }

    /// All tokens, in and out.
    pub const fn total(&self) -> u64 {
        self.whole_input() + self.output
    }
}

/// What a call cost, in dollars with at most 12 decimals. That no price is known is a state, not a zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallCost {
    /// No price is known.
    Unpriced,
    /// The cost, and where it comes from.
    Priced {
        /// Of the input, cache reads and writes included.
        input: Usd,
        /// Of the output.
        output: Usd,
        /// The row of the price book that priced the call, by its [stamp](crate::pricing::PriceRef::stamp);
        /// `cost_usd` for the provider's own figure, `cost_usd:` and a stamp where that row split it.
        row: String,
    },
}

impl CallCost {
    /// Input and output together, where it is known.
    pub fn total(&self) -> Option<Usd> {
        match self {
            Self::Unpriced => None,
            Self::Priced { input, output, .. } => Some(*input + *output),
        }
    }
}

/// Prices a call of `model` at the time `at`.
///
/// The provider's own figure is used as it is where there is one. The book then only says how to split it:
/// the input's part is in proportion, rounded half-even to 12 decimals, the output's part is the exact rest.
/// It is all output where the book knows no price or makes it nothing, and where the figure is none that can
/// be split exactly: negative, with more than 12 decimals, or above 7.9 × 10¹⁶ dollars.
///
/// # Panics
///
/// When the book's cost is more than 7.9 × 10¹⁶ dollars. 5 × 10⁹ tokens at the highest price make 5 × 10⁹.
pub fn price_call(
    prices: Prices<'_>,
    provider: &str,
    model: &str,
    at: DateTime<Utc>,
    tokens: &TokenCounts,
    provider_cost: Option<Usd>,
) -> CallCost {
    let whole_input = tokens.whole_input();
    let price = prices.resolve(provider, model, at);
    let by_book = price.map(|price| (Pico::of(price.rates(whole_input), tokens), price.stamp(whole_input)));
    match (provider_cost, by_book) {
        (None, None) => CallCost::Unpriced,
        (None, Some((cost, row))) => {
            CallCost::Priced { input: usd(cost.input), output: usd(cost.output), row }
        }
        (Some(figure), by_book) => {
            let split = by_book.and_then(|(cost, row)| Some((cost.split(figure)?, row)));
            let ((input, output), row) = match split {
                Some((parts, row)) => (parts, format!("{OWN_FIGURE}:{row}")),
                None => ((Usd::ZERO, figure), OWN_FIGURE.into()),
            };
            CallCost::Priced { input, output, row }
        }
    }
}

/// Stands in [`CallCost::Priced::row`] for the provider's own figure.
const OWN_FIGURE: &str = "cost_usd";

/// A cost in picodollars.
#[derive(Clone, Copy)]
struct Pico {
    input: i128,
    output: i128,
}

impl Pico {
    fn of(rates: &Rates, tokens: &TokenCounts) -> Self {
        let input = [
            (tokens.input, rates.input),
            (tokens.cache_read, rates.cache_read_price()),
            (tokens.cache_write_5m, rates.cache_write_5m_price()),
            (tokens.cache_write_1h, rates.cache_write_1h_price()),
        ];
        let cost = |(count, price): (u64, Price)| i128::from(count) * price.pico_per_token();
        Self { input: input.into_iter().map(cost).sum(), output: cost((tokens.output, rates.output)) }
    }

    /// `figure` split into input and output in this cost's proportion, where that can be done exactly.
    fn split(self, figure: Usd) -> Option<(Usd, Usd)> {
        let whole = u128::try_from(self.input + self.output).ok().filter(|whole| *whole > 0)?;
        let part = u128::try_from(self.input).ok()?;
        let amount = figure.dollars().normalize();
        let unit = 10_u128.pow(MAX_SCALE.checked_sub(amount.scale())?);
        let figure = u128::try_from(amount.mantissa()).ok()?.checked_mul(unit)?;
        // Both parts would fit where the figure does not, but could then not be added up again.
        checked_usd(figure)?;
        let input = scale_half_even(figure, part, whole);
        Some((checked_usd(input)?, checked_usd(figure - input)?))
    }
}

/// What `tokens` cost at `rates`, in picodollars (10⁻¹² USD), exact.
pub fn picodollars(rates: &Rates, tokens: &TokenCounts) -> i128 {
    let cost = Pico::of(rates, tokens);
    cost.input + cost.output
}

fn usd(pico: i128) -> Usd {
    Usd::new(Decimal::from_i128_with_scale(pico, MAX_SCALE).normalize())
}

fn checked_usd(pico: u128) -> Option<Usd> {
    let amount = Decimal::try_from_i128_with_scale(i128::try_from(pico).ok()?, MAX_SCALE).ok()?;
    Some(Usd::new(amount.normalize()))
}

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
