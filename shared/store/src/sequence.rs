//! Sequence numbers of stream records: 21 to 40 decimal digits, more than any integer type holds.

use std::fmt;

/// A sequence number as 17 big-endian bytes, so that byte order is numeric order both here and in DynamoDB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber([u8; 17]);

impl SequenceNumber {
    /// Parses decimal digits; `None` unless they are a number below 2^136.
    pub fn parse(digits: &str) -> Option<Self> {
        if digits.is_empty() {
            return None;
        }
        let mut bytes = [0_u8; 17];
        for digit in digits.bytes() {
            let mut carry = u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
            for byte in bytes.iter_mut().rev() {
                let value = u16::from(*byte) * 10 + carry;
                *byte = u8::try_from(value & 0xff).unwrap_or_default();
                carry = value >> 8;
            }
            if carry != 0 {
                return None;
            }
        }
        Some(Self(bytes))
    }

    /// The number stored as `bytes`, which have to be 17.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The stored form.
    pub const fn as_bytes(&self) -> &[u8; 17] {
        &self.0
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(digits: &str) -> SequenceNumber {
        SequenceNumber::parse(digits).unwrap()
    }

    #[test]
    fn numbers_of_different_lengths_sort_as_numbers() {
        assert!(number("9") < number("10"));
        assert!(number(&"9".repeat(21)) < number(&format!("1{}", "0".repeat(21))));
        assert!(number(&"9".repeat(39)) < number(&"9".repeat(40)));
        assert_eq!(number("007"), number("7"));
    }

    #[test]
    fn anything_but_a_sequence_number_is_refused() {
        for bad in ["", "-1", "1.0", "x", " 1", &"9".repeat(42)] {
            assert_eq!(SequenceNumber::parse(bad), None, "{bad:?}");
        }
        assert!(SequenceNumber::parse(&"9".repeat(40)).is_some());
        assert_eq!(SequenceNumber::from_bytes(&[0; 16]), None);
    }

    proptest! {
        #[test]
        fn order_is_numeric(a in any::<u128>(), b in any::<u128>()) {
            prop_assert_eq!(number(&a.to_string()).cmp(&number(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn bytes_are_the_number(a in any::<u128>()) {
            let number = number(&a.to_string());
            prop_assert_eq!(&number.as_bytes()[1..], a.to_be_bytes());
        }
    }
}
