//! One column of numbers, in the shortest of these forms:
//!
//! | form | what follows |
//! |---|---|
//! | 0 | one number that all rows have |
//! | 1 | varints |
//! | 2 | varints of numbers of either sign |
//! | 3 | numbers without their trailing decimal zeros, times 16, plus how many zeros: money |
//! | 4 | the same of either sign |
//! | + 8 | first a bit for each row that is not 0, then only their numbers |

use super::Malformed;
use super::bytes::{self, Reader, unzigzag, zigzag};
use crate::pack::Amount;
use crate::pack::amount::LIMIT;

const CONSTANT: u8 = 0;
const PLAIN: u8 = 1;
const SIGNED: u8 = 2;
const SHORT: u8 = 3;
const SHORT_SIGNED: u8 = 4;
const SPARSE: u8 = 8;

/// The most trailing zeros that are left out.
const MAX_ZEROS: u32 = 15;

/// Appends a column.
pub fn put(out: &mut Vec<u8>, values: &[Amount]) {
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|value| *value == first) {
        out.push(CONSTANT);
        return bytes::put(out, zigzag(first));
    }
    let signed = values.iter().any(|value| *value < 0);
    let forms = if signed { [SIGNED, SHORT_SIGNED] } else { [PLAIN, SHORT] };
    let zeros = values.iter().filter(|value| **value == 0).count();
    let size = |form: u8| -> usize { values.iter().map(|value| bytes::len(number(form, *value))).sum() };
    let form = if size(forms[1]) < size(forms[0]) { forms[1] } else { forms[0] };
    if zeros <= values.len().div_ceil(8) {
        out.push(form);
        for value in values {
            bytes::put(out, number(form, *value));
        }
    } else {
        out.push(form | SPARSE);
        for eight in values.chunks(8) {
            let bit = |(i, value): (usize, &Amount)| u8::from(*value != 0) << i;
            out.push(eight.iter().enumerate().map(bit).sum());
        }
        for value in values.iter().filter(|value| **value != 0) {
            bytes::put(out, number(form, *value));
        }
    }
}

/// The varint that stands for `value` in a form.
fn number(form: u8, value: Amount) -> u128 {
    match form {
        PLAIN => value.unsigned_abs(),
        SIGNED => zigzag(value),
        SHORT => shortened(value.unsigned_abs()),
        _ => shortened_signed(value),
    }
}

fn shortened(mut value: u128) -> u128 {
    let mut zeros = 0;
    while zeros < MAX_ZEROS && value != 0 && value.is_multiple_of(10) {
        value /= 10;
        zeros += 1;
    }
    value << 4 | u128::from(zeros)
}

fn shortened_signed(value: Amount) -> u128 {
    let short = shortened(value.unsigned_abs());
    let (mantissa, zeros) = (short >> 4, short & 15);
    (mantissa << 1 | u128::from(value < 0)) << 4 | zeros
}

fn value(form: u8, number: u128) -> Result<Amount, Malformed> {
    let value = match form {
        PLAIN => i128::try_from(number).ok(),
        SIGNED => Some(unzigzag(number)),
        SHORT => lengthened(number >> 4, number & 15),
        _ => {
            let magnitude = lengthened(number >> 5, number & 15);
            magnitude.map(|magnitude| if number & 16 == 0 { magnitude } else { -magnitude })
        }
    };
    value.filter(|value| value.unsigned_abs() < LIMIT.unsigned_abs()).ok_or(Malformed::Invalid("amount"))
}

fn lengthened(mantissa: u128, zeros: u128) -> Option<Amount> {
    let factor = 10_u128.pow(u32::try_from(zeros).ok()?);
    i128::try_from(mantissa.checked_mul(factor)?).ok()
}

/// Reads a column of `rows` numbers.
pub fn read(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<Amount>, Malformed> {
    let tag = reader.byte()?;
    if tag == CONSTANT {
        return Ok(vec![value(SIGNED, reader.varint()?)?; rows]);
    }
    let form = tag & !SPARSE;
    if !(PLAIN..=SHORT_SIGNED).contains(&form) {
        return Err(Malformed::Invalid("form"));
    }
    if tag & SPARSE == 0 {
        return (0..rows).map(|_| value(form, reader.varint()?)).collect();
    }
    let present = reader.take(rows.div_ceil(8))?;
    let is_present = |row: usize| present[row / 8] >> (row % 8) & 1 == 1;
    (0..rows).map(|row| if is_present(row) { value(form, reader.varint()?) } else { Ok(0) }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount() -> impl Strategy<Value = Amount> {
        let magnitude = (any::<i128>(), 8_u32..128, 0_u32..16)
            .prop_map(|(value, shift, zeros)| (value >> shift).checked_mul(10_i128.pow(zeros)).unwrap_or(1));
        prop_oneof![2 => Just(0), 1 => Just(1), 4 => magnitude].prop_map(|value| value % LIMIT)
    }

    proptest! {
        #[test]
        fn columns_are_read_back(values in prop::collection::vec(amount(), 0..40), positive: bool) {
            let values: Vec<_> = values.into_iter().map(|v| if positive { v.abs() } else { v }).collect();
            let mut out = Vec::new();
            put(&mut out, &values);
            let mut reader = Reader(&out);
            prop_assert_eq!(read(&mut reader, values.len()), Ok(values));
            prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn money_is_stored_without_its_zeros() {
        let mut out = Vec::new();
        put(&mut out, &[3_000_000_000_000, 1_250_000]);
        assert_eq!(out.len(), 1 + 1 + 2);
    }
}
