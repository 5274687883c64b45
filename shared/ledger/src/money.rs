//! Exact decimal amounts. No floats are used, and only [`round`], [`ratio`], [`percent`], [`fraction`],
//! [`Number::usd`] and [`parse_rounded`] round.

mod rounded;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// The maximum number of decimal places of an amount: prices have up to 6 and are per million tokens.
///
/// `Decimal` holds any 28 digits. With 12 of them after the point, a sum stays exact up to 10^16 dollars.
pub const MAX_SCALE: u32 = 12;

pub use rounded::{Rounded, parse_rounded};

/// US dollars, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(Decimal);

impl Usd {
    /// Zero dollars.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// An amount of dollars.
    pub const fn new(dollars: Decimal) -> Self {
        Self(dollars)
    }

    /// The amount as a decimal number of dollars.
    pub const fn dollars(self) -> Decimal {
        self.0
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The same by reference, as serde asks.
    pub const fn is_zero_ref(&self) -> bool {
        self.0.is_zero()
    }
}

/// Adds two decimals without losing a digit.
///
/// # Panics
///
/// If the exact sum needs more than 28 digits: `rust_decimal` would round it silently.
pub fn exact_add(a: Decimal, b: Decimal) -> Decimal {
    let sum = a.checked_add(b).filter(|sum| sum.scale() >= a.scale().max(b.scale()) || sum.is_zero());
    match sum {
        Some(sum) => sum,
        None => exact_add_normalized(a.normalize(), b.normalize()),
    }
}

fn exact_add_normalized(a: Decimal, b: Decimal) -> Decimal {
    match a.checked_add(b) {
        Some(sum) if sum.scale() == a.scale().max(b.scale()) => sum,
        _ => panic!("an exact sum needs more than 28 digits"),
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(exact_add(self.0, other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(exact_add(self.0, -other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Plain notation with at least two decimals and no other trailing zeros: `0.00`, `12.40`, `0.000123`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.0.normalize();
        if amount.scale() < 2 {
            amount.rescale(2);
        }
        write!(f, "{amount}")
    }
}

/// A JSON string in the format of [`Usd`]'s `Display`, as the responses of `/v1/*` write money.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_exact(&text).map(Self).ok_or_else(|| de::Error::custom("not an exact decimal"))
    }
}

/// An exact amount of anything but money. It is serialized as text, because serde reads JSON numbers as floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(pub Decimal);

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_exact(&text).map(Self).ok_or_else(|| de::Error::custom("not an exact decimal"))
    }
}

/// Parses plain or scientific notation. Returns `None` if `text` is malformed or the value does not fit a `Decimal`
/// exactly.
pub fn parse_exact(text: &str) -> Option<Decimal> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let mantissa = Decimal::from_str_exact(mantissa).ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let scale = i64::from(mantissa.scale()) - i64::from(exponent);
    if scale >= 0 {
        Decimal::try_from_i128_with_scale(mantissa.mantissa(), u32::try_from(scale).ok()?).ok()
    } else {
        let power = u32::try_from(-scale).ok().filter(|power| *power <= 28)?;
        let factor = 10_i128.checked_pow(power)?;
        Decimal::try_from_i128_with_scale(mantissa.mantissa().checked_mul(factor)?, 0).ok()
    }
}

/// `value` rounded half-even to `places` decimals. Round only once, when a figure is output.
pub fn round(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven)
}

/// `part / whole * scale`, rounded half-even to `places` decimals. Returns 0 if `whole` is 0.
pub fn ratio(part: Decimal, whole: Decimal, scale: u32, places: u32) -> Decimal {
    match part.checked_mul(Decimal::from(scale)).and_then(|part| part.checked_div(whole)) {
        Some(quotient) => round(quotient, places),
        None => Decimal::ZERO,
    }
}

/// `part` in percent of `whole`, rounded half-even to one decimal. Returns 0 if `whole` is 0.
pub fn percent(part: Decimal, whole: Decimal) -> Number {
    Number(ratio(part, whole, 100, 1))
}

/// `part / whole`, rounded half-even to three decimals. Returns 0 if `whole` is 0.
pub fn fraction(part: Decimal, whole: Decimal) -> Number {
    Number(ratio(part, whole, 1, 3))
}

/// A decimal that is serialized as a JSON number with all its digits, without passing through a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub Decimal);

impl Number {
    /// Money as the responses of `/api/*` write it: a JSON number in US dollars, rounded half-even to 6 decimals.
    pub fn usd(amount: Usd) -> Self {
        Self(round(amount.dollars(), 6))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.normalize().to_string();
        RawValue::from_string(text).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn money_has_plain_notation_and_at_least_two_decimals() {
        for (given, written) in [
            ("0", "0.00"),
            ("12.4", "12.40"),
            ("12.400", "12.40"),
            ("0.000123", "0.000123"),
            ("62.1", "62.10"),
            ("1000000000000", "1000000000000.00"),
            ("-0.5", "-0.50"),
            ("0.000000000001", "0.000000000001"),
        ] {
            assert_eq!(Usd::new(dec(given)).to_string(), written);
        }
    }

    #[test]
    fn a_number_keeps_its_digits_and_money_rounds_half_even() {
        assert_eq!(serde_json::to_string(&Number(dec("0.1000"))).unwrap(), "0.1");
        assert_eq!(serde_json::to_string(&Number(Decimal::ZERO)).unwrap(), "0");
        assert_eq!(serde_json::to_string(&Number::usd(Usd::new(dec("0.0000005")))).unwrap(), "0");
        assert_eq!(serde_json::to_string(&Number::usd(Usd::new(dec("0.0000015")))).unwrap(), "0.000002");
        let long = dec("1234567890123456.123456");
        assert_eq!(serde_json::to_string(&Number(long)).unwrap(), "1234567890123456.123456");
    }

    #[test]
    fn scientific_notation_is_parsed_exactly_or_rejected() {
        assert_eq!(parse_exact("1e3"), Some(dec("1000")));
        assert_eq!(parse_exact("1.25E-3"), Some(dec("0.00125")));
        assert_eq!(parse_exact("1e-28"), Some(dec("0.0000000000000000000000000001")));
        for rejected in
            ["1e-29", "1e29", "1e999999999999", "0.00000000000000000000000000001", "", "e1", "1e", "x"]
        {
            assert_eq!(parse_exact(rejected), None, "{rejected}");
        }
    }

    #[test]
    #[should_panic(expected = "more than 28 digits")]
    fn a_sum_that_would_lose_a_digit_panics() {
        let _ = Usd::new(dec("9999999999999999999999999999")) + Usd::new(dec("0.01"));
    }

    #[test]
    fn division_by_zero_is_zero() {
        assert_eq!(percent(dec("5"), Decimal::ZERO), Number(Decimal::ZERO));
        assert_eq!(percent(dec("62.10"), dec("142.80")), Number(dec("43.5")));
        assert_eq!(fraction(dec("142.80"), dec("500")), Number(dec("0.286")));
    }
}
