//! Sequence numbers of 21 to 40 digits, mostly about to grow by a digit.

use rand::RngExt;
use rand::rngs::StdRng;

/// Exponents of the first part of a number.
const DIGITS: std::ops::Range<u32> = 20..37;
/// The largest distance of the first number below a power of ten.
const BELOW: u128 = 60;

/// The numbers of one shard.
#[derive(Clone, Debug)]
pub struct SequenceNumbers {
    last: u128,
    /// More digits, equal for all numbers of a stream, since 128 bits can only hold 38.
    tail: &'static str,
}

impl SequenceNumbers {
    /// The numbers of a stream's first shard.
    pub fn new(rng: &mut StdRng) -> Self {
        let tail = ["", "4", "07"][rng.random_range(0..3)];
        Self { last: 0, tail }.beside(rng)
    }

    /// The numbers of another shard without a parent.
    pub fn beside(&self, rng: &mut StdRng) -> Self {
        let power = 10_u128.pow(rng.random_range(DIGITS) + 1);
        Self { last: power - rng.random_range(1..BELOW), tail: self.tail }
    }

    /// The numbers of a child shard: all greater than its parent's, sometimes far greater.
    pub fn child(&self, rng: &mut StdRng) -> Self {
        let grown =
            self.last.checked_mul(10).filter(|last| *last < 10_u128.pow(38) && rng.random_ratio(1, 4));
        Self { last: grown.unwrap_or(self.last), tail: self.tail }
    }

    pub fn next(&mut self, rng: &mut StdRng) -> String {
        let leap = if rng.random_ratio(1, 20) { 1_000_000 } else { 12 };
        self.last += rng.random_range(1..leap);
        format!("{}{}", self.last, self.tail)
    }
}
