//! What one call costs. Prices are whole picodollars (10⁻¹² USD) per token, so all sums are sums of whole numbers. Only
//! the split of a cost that the sender reported is rounded, see [`split`].

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{MAX_SCALE, Usd};
use crate::pricing::{Call, CostParts, EffectiveRow, Pricer, Unpriced, split};

/// What a call cost, by part, in dollars with at most 12 decimals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCost {
    /// Of uncached input.
    #[serde(default, skip_serializing_if = "Usd::is_zero_ref")]
    pub input: Usd,
    /// Of cache reads.
    #[serde(default, skip_serializing_if = "Usd::is_zero_ref")]
    pub cache_read: Usd,
    /// Of cache writes.
    #[serde(default, skip_serializing_if = "Usd::is_zero_ref")]
    pub cache_write: Usd,
    /// Of output.
    #[serde(default, skip_serializing_if = "Usd::is_zero_ref")]
    pub output: Usd,
    /// Of what is billed by count.
    #[serde(default, skip_serializing_if = "Usd::is_zero_ref")]
    pub units: Usd,
    /// The row of the price book that priced the call, by its [stamp](crate::pricing::EffectiveRow::stamp);
    /// `cost_usd` for a cost that the sender reported, `cost_usd:` and a stamp where that row split it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Why the call, or a part of it, has no price. Usage without a price is not free: the cost is a lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpriced: Option<Unpriced>,
    /// The price book's id of the provider, where the sender used another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
}

/// Precedes the row in [`CallCost::row`] where the sender reported the cost.
const REPORTED: &str = "cost_usd";

impl CallCost {
    /// All parts together.
    pub fn total(&self) -> Usd {
        self.input + self.cache_read + self.cache_write + self.output + self.units
    }

    /// Whether the call, or a part of it, has no price.
    pub const fn is_unpriced(&self) -> bool {
        self.unpriced.is_some()
    }
}

/// Prices a call at the time when it was made.
///
/// A cost that the sender reported is used as it is; prices then only say how to split it.
pub fn price_call(pricer: Pricer<'_>, call: &Call<'_>, reported: Option<Usd>) -> CallCost {
    let price = pricer.price(call);
    let stamp = price.row.as_ref().map(EffectiveRow::stamp);
    let provider_id = pricer.provider_id(call.provider).filter(|id| *id != call.provider).map(str::to_owned);
    let reported = reported.and_then(to_picodollars);
    let (parts, row, unpriced) = match reported {
        None => (price.parts, stamp, price.unpriced),
        Some(pico) => {
            let row = match stamp.filter(|_| price.parts.total() > 0) {
                Some(stamp) => format!("{REPORTED}:{stamp}"),
                None => REPORTED.to_owned(),
            };
            (split(pico, &price.parts), Some(row), None)
        }
    };
    let CostParts { input, cache_read, cache_write, output, units } = parts;
    let [input, cache_read, cache_write, output, units] =
        [input, cache_read, cache_write, output, units].map(usd);
    CallCost { input, cache_read, cache_write, output, units, row, unpriced, provider_id }
}

/// The amount in picodollars, if it is a whole number of them.
fn to_picodollars(amount: Usd) -> Option<i128> {
    let amount = amount.dollars().normalize();
    amount.mantissa().checked_mul(10_i128.checked_pow(MAX_SCALE.checked_sub(amount.scale())?)?)
}

fn usd(pico: i128) -> Usd {
    Usd::new(Decimal::from_i128_with_scale(pico, MAX_SCALE).normalize())
}

#[cfg(test)]
mod tests;
