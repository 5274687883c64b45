//! Splits a provider's own figure for a call by what the book says of its parts.

use super::pricer::CostParts;

/// `figure`, in picodollars, in the proportions of `parts`: each part but the last is rounded half-even and the last
/// one is the exact rest, so that the parts add up to the figure. All of it is output where the parts say nothing.
pub fn split(figure: i128, parts: &CostParts) -> CostParts {
    let whole = parts.total();
    let (Ok(total), true) = (u128::try_from(figure), whole > 0) else {
        return CostParts { output: figure, ..CostParts::default() };
    };
    let CostParts { input, cache_read, cache_write, output, units } = *parts;
    let mut shares = [input, cache_read, cache_write, units, output];
    // The last part that is not nothing takes the rest: a part that cost nothing by the book gets nothing.
    let last = shares.iter().rposition(|share| *share > 0).unwrap_or(0);
    let mut rest = figure;
    for (place, share) in shares.iter_mut().enumerate() {
        if place == last {
            continue;
        }
        let part = u128::try_from(*share).unwrap_or(0);
        *share = i128::try_from(scale_half_even(total, part, whole.unsigned_abs())).unwrap_or(0).min(rest);
        rest -= *share;
    }
    shares[last] = rest;
    let [input, cache_read, cache_write, units, output] = shares;
    CostParts { input, cache_read, cache_write, output, units }
}

/// `value × part / whole`, rounded half-even; `part` is at most `whole`, and `whole` below 2¹²⁶. The product may pass
/// 128 bits, so it is never formed: this is long division, bit by bit.
fn scale_half_even(value: u128, part: u128, whole: u128) -> u128 {
    let (mut quotient, mut remainder) = (0, 0);
    for bit in (0..u128::BITS - value.leading_zeros()).rev() {
        quotient *= 2;
        remainder = remainder * 2 + part * (value >> bit & 1);
        quotient += remainder / whole;
        remainder %= whole;
    }
    match (remainder * 2).cmp(&whole) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

#[cfg(test)]
mod tests;
