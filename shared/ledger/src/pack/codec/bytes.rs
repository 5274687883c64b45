//! Varints: seven bits a byte, the lowest first; the highest bit says that another byte follows.

use super::Malformed;

/// Appends a varint.
pub fn put(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

fn low_bits(value: u128) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

/// Appends a length or a count.
pub fn put_len(out: &mut Vec<u8>, value: usize) {
    put(out, value as u128);
}

/// How many bytes a varint takes.
pub const fn len(value: u128) -> usize {
    let bits = 128 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Maps small numbers of either sign to small numbers.
pub const fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}

/// Undoes [`zigzag`].
pub const fn unzigzag(value: u128) -> i128 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Bytes that are yet to be read.
pub struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    /// The next byte.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(*first)
    }

    /// The next bytes.
    ///
    /// # Errors
    ///
    /// If there are not as many.
    pub fn take(&mut self, length: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next varint.
    ///
    /// # Errors
    ///
    /// If there is none, or one that [`put`] does not write.
    pub fn varint(&mut self) -> Result<u128, Malformed> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift > 121 && bits >> (128 - shift) != 0 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(Malformed::Invalid("varint")) } else { Ok(value) };
            }
        }
        Err(Malformed::Invalid("varint"))
    }

    /// A count of things of which each takes at least one byte, or of which there are at most `most`.
    ///
    /// # Errors
    ///
    /// If there is none, or a greater one.
    pub fn count(&mut self, most: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.varint()?).ok().filter(|count| *count <= most);
        count.ok_or(Malformed::Invalid("count"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_are_read_back(value in any::<u128>(), shift in 0..128_u32) {
            let value = value >> shift;
            let mut out = Vec::new();
            put(&mut out, value);
            prop_assert_eq!(out.len(), len(value));
            prop_assert_eq!(Reader(&out).varint(), Ok(value));
            prop_assert_eq!(Reader(&out[1..]).varint().is_ok(), out.len() > 1);
        }

        #[test]
        fn zigzag_is_undone(value in any::<i128>(), shift in 0..128_u32) {
            let value = value >> shift;
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn a_varint_has_one_spelling_and_128_bits() {
        assert!(Reader(&[0x80, 0]).varint().is_err());
        assert!(Reader(&[0xff; 19]).varint().is_err());
        let mut most = [0xff; 19];
        most[18] = 3;
        assert_eq!(Reader(&most).varint(), Ok(u128::MAX));
        most[18] = 4;
        assert!(Reader(&most).varint().is_err());
    }
}
