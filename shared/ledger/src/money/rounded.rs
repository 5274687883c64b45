//! Parses an amount with more digits than a `Decimal` holds, rounded once and exactly.

use std::cmp::Ordering;

use rust_decimal::Decimal;

/// An amount of at least zero, rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounded {
    /// The amount, without trailing zeros.
    Value(Decimal),
    /// The amount has more digits before the point than a `Decimal` of that many places holds.
    TooLarge,
    /// The amount is below zero, however little.
    Negative,
}

/// Parses plain or scientific notation and rounds half-even to `places` decimals. `None` if `text` is malformed.
///
/// The digits are rounded as text: to round to the 28 digits of a `Decimal` first and then to `places` would turn
/// `0.0000000000005000000000000000000000000001`, which is more than half, into a tie.
pub fn parse_rounded(text: &str, places: u32) -> Option<Rounded> {
    let (negative, digits, point) = parse(text)?;
    if digits.is_empty() {
        return Some(Rounded::Value(Decimal::ZERO));
    }
    if negative {
        return Some(Rounded::Negative);
    }
    // How many of the digits are kept; below zero if zeros stand between the last place and the first digit.
    let kept = point.saturating_add(places.into());
    let Ok(kept) = usize::try_from(kept) else { return Some(Rounded::Value(Decimal::ZERO)) };
    if kept > MAX_DIGITS {
        return Some(Rounded::TooLarge);
    }
    let (whole, rest) = digits.split_at(kept.min(digits.len()));
    let zeros = kept - whole.len();
    let units = whole.iter().copied().chain(std::iter::repeat_n(0, zeros));
    let units = units.fold(0_i128, |units, digit| units * 10 + i128::from(digit));
    let units = units + i128::from(rounds_up(units, rest));
    let value = Decimal::try_from_i128_with_scale(units, places);
    Some(value.map_or(Rounded::TooLarge, |value| Rounded::Value(value.normalize())))
}

/// The most digits that a `Decimal` may have. Some numbers of one more digit fit as well; nobody pays that much.
const MAX_DIGITS: usize = 28;

/// Whether a number that ends in `units` and goes on with the digits `rest` rounds up.
fn rounds_up(units: i128, rest: &[u8]) -> bool {
    let Some((first, others)) = rest.split_first() else { return false };
    match first.cmp(&5) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => others.iter().any(|digit| *digit > 0) || units % 2 == 1,
    }
}

/// The sign, the digits from the first that is not zero on, and how many of them stand before the point: below zero if
/// zeros stand between the point and the first digit.
fn parse(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let zeros = all().take_while(|byte| *byte == b'0').count();
    let digits = all().skip(zeros).map(|byte| byte - b'0').collect();
    let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
    Some((negative, digits, point.saturating_add(exponent)))
}

/// An exponent; one that no `i64` holds is as good as the greatest that it does.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX);
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> Rounded {
        Rounded::Value(text.parse().unwrap())
    }

    #[test]
    fn ties_are_decided_by_every_digit() {
        let long = |end: &str| format!("0.0000000000005{}{end}", "0".repeat(60));
        for (text, rounded) in [
            (long(""), "0"),
            (long("1"), "0.000000000001"),
            ("0.0000000000015".to_owned(), "0.000000000002"),
            ("0.0000000000025".to_owned(), "0.000000000002"),
            (format!("0.000000000002{}", "5".repeat(50)), "0.000000000003"),
            (format!("0.000000000002{}", "4".repeat(50)), "0.000000000002"),
            ("0.9999999999995".to_owned(), "1"),
            ("5.549999999999999e-06".to_owned(), "0.00000555"),
        ] {
            assert_eq!(parse_rounded(&text, 12), Some(value(rounded)), "{text}");
        }
    }

    #[test]
    fn any_notation_and_size_is_read() {
        for zero in ["0", "-0", "0.000", "0e999999999999999999999", "1e-999999999999999999999", ".0", "0."] {
            assert_eq!(parse_rounded(zero, 12), Some(value("0")), "{zero}");
        }
        for (text, rounded) in
            [("1E+3", "1000"), ("1.25e-3", "0.00125"), (".5", "0.5"), ("5.", "5"), ("007", "7")]
        {
            assert_eq!(parse_rounded(text, 12), Some(value(rounded)), "{text}");
        }
        for large in ["1e16", "1e999999999999999999999", &"9".repeat(100_000)] {
            assert_eq!(parse_rounded(large, 12), Some(Rounded::TooLarge));
        }
        for negative in ["-1", "-0.0000000000000000000001", "-1e99"] {
            assert_eq!(parse_rounded(negative, 12), Some(Rounded::Negative), "{negative}");
        }
        for bad in [
            "", "-", ".", "e1", "1e", "1e+", "1e1.0", "+1", "--1", "1_0", "1,5", "NaN", "inf", "0x1", " 1",
            "١",
        ] {
            assert_eq!(parse_rounded(bad, 12), None, "{bad}");
        }
    }

    /// `digits` × 10^`exponent` rounded half-even to `places`, in units of the last place, by division.
    fn reference(digits: &str, exponent: i32, places: i32) -> BigUint {
        let number: BigUint = digits.parse().unwrap();
        let power = |power: i32| BigUint::from(10_u32).pow(power.unsigned_abs());
        let shift = exponent + places;
        if shift >= 0 {
            return number * power(shift);
        }
        let (units, rest) = (&number / power(shift), &number % power(shift));
        let odd = units.bit(0);
        match (rest * 2_u32).cmp(&power(shift)) {
            Ordering::Less => units,
            Ordering::Equal if !odd => units,
            _ => units + 1_u32,
        }
    }

    /// Digits among which ties and runs of nines are frequent.
    fn digits() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{1,80}", "[0-9]{1,12}[05]{1,60}", "[0-9]{0,14}50{0,60}[01]?", "[0-9]{0,6}9{1,40}"]
    }

    proptest! {
        #[test]
        fn amounts_are_rounded_as_big_integers_are(digits in digits(), at in 0..80_usize, exponent in -90..30_i32) {
            let at = at.min(digits.len());
            let text = format!("{}.{}e{exponent}", &digits[..at], &digits[at..]);
            let fraction = i32::try_from(digits.len() - at).unwrap();
            let units = reference(&digits, exponent - fraction, 12);
            match parse_rounded(&text, 12) {
                Some(Rounded::Value(value)) => {
                    let mut value = value;
                    value.rescale(12);
                    prop_assert_eq!(value.scale(), 12);
                    prop_assert_eq!(value.mantissa().to_string(), units.to_string(), "{}", text);
                }
                other => {
                    prop_assert_eq!(other, Some(Rounded::TooLarge), "{}", text);
                    prop_assert!(units >= BigUint::from(10_u32).pow(28), "{}", text);
                }
            }
        }

        #[test]
        fn any_text_is_taken_or_refused(text in "[-+0-9.eE]{0,12}") {
            let plain = |text: &str| text.parse::<Decimal>().is_ok() && !text.contains(['+', 'e', 'E']);
            prop_assert!(parse_rounded(&text, 12).is_some() || !plain(&text), "{}", text);
        }
    }
}
