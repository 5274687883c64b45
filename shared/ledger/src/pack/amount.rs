//! Amounts as whole numbers of 10⁻¹²: picodollars, and as fine a step of everything else that has decimals.

use rust_decimal::Decimal;

use crate::money::MAX_SCALE;

/// A count, or an amount in steps of 10⁻¹².
pub type Amount = i128;

/// No sum may reach this: it leaves room for the encoding of an amount, and is 10²⁴ of any unit.
pub const LIMIT: Amount = 1 << 120;

/// A value with more than 12 decimals, or one that is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount has more than {MAX_SCALE} decimals or is too large")]
pub struct Inexact;

/// `value` in steps of 10⁻¹².
pub fn exact(value: Decimal) -> Result<Amount, Inexact> {
    let value = if value.scale() > MAX_SCALE { value.normalize() } else { value };
    let zeros = MAX_SCALE.checked_sub(value.scale()).ok_or(Inexact)?;
    let amount = value.mantissa().checked_mul(10_i128.pow(zeros));
    amount.filter(|amount| amount.abs() < LIMIT).ok_or(Inexact)
}

/// The decimal that `amount` stands for.
///
/// # Panics
///
/// If it needs more than 28 digits, as [`exact_add`](crate::money::exact_add) does.
pub fn decimal(amount: Amount) -> Decimal {
    match Decimal::try_from_i128_with_scale(amount, MAX_SCALE) {
        Ok(decimal) => decimal.normalize(),
        Err(_) => shortened(amount),
    }
}

fn shortened(mut amount: Amount) -> Decimal {
    let mut scale = MAX_SCALE;
    while scale > 0 && amount % 10 == 0 {
        (amount, scale) = (amount / 10, scale - 1);
    }
    let decimal = Decimal::try_from_i128_with_scale(amount, scale).ok();
    decimal.unwrap_or_else(|| panic!("an amount needs more than 28 digits"))
}

/// Adds without ever wrapping.
///
/// # Panics
///
/// If the sum reaches [`LIMIT`].
pub fn add(sum: &mut Amount, more: Amount) {
    // Both are below 2^120, so the addition itself cannot overflow.
    *sum += more;
    assert!(sum.abs() < LIMIT, "a sum is too large");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_or_refused() {
        let dec = |text| Decimal::from_str_exact(text).unwrap();
        assert_eq!(exact(dec("0.000000000001")), Ok(1));
        assert_eq!(exact(dec("-1.5")), Ok(-1_500_000_000_000));
        assert_eq!(exact(dec("1.0000000000000000")), Ok(1_000_000_000_000));
        assert_eq!(exact(dec("0.0000000000001")), Err(Inexact));
        assert_eq!(exact(Decimal::MAX), Err(Inexact));
        for text in ["0", "0.1", "12345.000000000001", "9999999999999999", "79228162514264337"] {
            assert_eq!(decimal(exact(dec(text)).unwrap()), dec(text));
        }
    }
}
