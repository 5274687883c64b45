use rust_decimal::{Decimal, RoundingStrategy};

use super::super::data::{Rate, RateSet};
use super::super::own::in_proportion;
use super::super::select::Unpriced;
use super::super::usage::{Call, TokenUsage};
use super::EffectiveRow;

/// The parts of a cost, in picodollars (10⁻¹² USD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostParts {
    /// Of input that no cache was involved in.
    pub input: i128,
    /// Of cache reads.
    pub cache_read: i128,
    /// Of cache writes.
    pub cache_write: i128,
    /// Of output.
    pub output: i128,
    /// Of what is billed by count.
    pub units: i128,
}

impl CostParts {
    /// All parts together.
    pub const fn total(&self) -> i128 {
        self.input + self.cache_read + self.cache_write + self.output + self.units
    }
}

/// The cost of a call at the rates of a row, and whether a unit has no price.
pub(super) fn cost(
    row: &EffectiveRow<'_>,
    call: &Call<'_>,
) -> Result<(CostParts, Option<Unpriced>), Unpriced> {
    let mut parts = token_cost(row, &call.tokens)?;
    let rates = &row.rates;
    let mut unpriced = None;
    for (unit, count) in call.units.iter().filter(|(_, count)| !count.is_zero()) {
        match rates.get(*unit) {
            Some(price) => parts.units += units_cost(price, *count),
            None => unpriced = Some(Unpriced::NoPriceForUnit),
        }
    }
    // A call is a request, whether or not it says so.
    if let Some(price) = rates.get(Rate::Requests)
        && !call.units.iter().any(|(unit, _)| *unit == Rate::Requests)
    {
        parts.units += i128::from(price);
    }
    Ok((parts, unpriced))
}

/// The cost of tokens at the rates of a row.
pub(super) fn token_cost(row: &EffectiveRow<'_>, tokens: &TokenUsage) -> Result<CostParts, Unpriced> {
    if tokens.cache_write_5m == 0 && tokens.cache_write_1h == 0 {
        return row.rates.cost_of(tokens);
    }
    row.rates_with_writes().cost_of(tokens)
}

impl RateSet {
    /// The cost of tokens at these rates. Cache reads without a price cost what input costs.
    ///
    /// # Errors
    ///
    /// Which kind of token has no price.
    pub fn cost_of(&self, tokens: &TokenUsage) -> Result<CostParts, Unpriced> {
        let input = self.get(Rate::Input);
        let read = self.get(Rate::CacheRead).or(input);
        let read_audio = self.get(Rate::CacheReadAudio).or_else(|| self.get(Rate::InputAudio));
        let of = |tokens: u64, price: Option<u64>, missing: Unpriced| -> Result<i128, Unpriced> {
            if tokens == 0 {
                return Ok(0);
            }
            price.map(|price| i128::from(tokens) * i128::from(price)).ok_or(missing)
        };
        let TokenUsage { input_audio, input_image, cache_read_audio, output_audio, output_image, .. } =
            *tokens;
        let text = |all: u64, parts: u64| all.saturating_sub(parts);
        let modality = Unpriced::NoPriceForModality;
        let write = |tokens: u64, rate: Rate| of(tokens, self.get(rate), Unpriced::NoPriceForCacheWrite);
        Ok(CostParts {
            input: of(text(tokens.input, input_audio.saturating_add(input_image)), input, modality)?
                + of(input_audio, self.get(Rate::InputAudio), modality)?
                + of(input_image, self.get(Rate::InputImage), modality)?,
            cache_read: of(text(tokens.cache_read, cache_read_audio), read, modality)?
                + of(cache_read_audio, read_audio, modality)?,
            cache_write: write(tokens.cache_write_5m, Rate::CacheWrite5m)?
                + write(tokens.cache_write_30m, Rate::CacheWrite30m)?
                + write(tokens.cache_write_1h, Rate::CacheWrite1h)?
                + write(tokens.cache_write_12h, Rate::CacheWrite12h)?,
            output: of(
                text(tokens.output, output_audio.saturating_add(output_image)),
                self.get(Rate::Output),
                modality,
            )? + of(output_audio, self.get(Rate::OutputAudio), modality)?
                + of(output_image, self.get(Rate::OutputImage), modality)?,
            units: 0,
        })
    }
}

/// The prices of cache writes for 5 minutes and for an hour: the row's, else the multiple of input that the provider
/// states for the models of Anthropic.
pub(super) fn writes(row: &EffectiveRow<'_>) -> (Option<u64>, Option<u64>) {
    let stated = || {
        let entry = row.entry.filter(|entry| entry.id().to_ascii_lowercase().contains("claude"))?;
        Some((row.rates.get(Rate::Input)?, entry.provider().write_multiples()))
    };
    let (own_5m, own_1h) = (row.rates.get(Rate::CacheWrite5m), row.rates.get(Rate::CacheWrite1h));
    if own_5m.is_some() && own_1h.is_some() {
        return (own_5m, own_1h);
    }
    let Some((input, (times_5m, times_1h))) = stated() else { return (own_5m, own_1h) };
    let times = |multiple: u32| (multiple > 0).then(|| in_proportion(input, multiple.into(), 100));
    (own_5m.or_else(|| times(times_5m)), own_1h.or_else(|| times(times_1h)))
}

/// `price × count`, rounded half-even to a picodollar.
pub(super) fn units_cost(price: u64, count: Decimal) -> i128 {
    let whole = i128::from(price).checked_mul(count.mantissa());
    match whole {
        Some(product) if count.scale() == 0 => product,
        Some(product) => {
            let divisor = 10_i128.pow(count.scale());
            let (quotient, remainder) = (product.div_euclid(divisor), product.rem_euclid(divisor));
            match (remainder * 2).cmp(&divisor) {
                std::cmp::Ordering::Less => quotient,
                std::cmp::Ordering::Equal => quotient + quotient % 2,
                std::cmp::Ordering::Greater => quotient + 1,
            }
        }
        // More digits than money has; round the count first.
        None => {
            let count = count.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven).normalize();
            i128::from(price).saturating_mul(count.mantissa()) / 10_i128.pow(count.scale())
        }
    }
}
