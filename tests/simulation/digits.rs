//! Sequence numbers: 21 to 40 digits, of different lengths, and most often about to grow by one.

use rand::RngExt;
use rand::rngs::StdRng;

/// The fewest digits of a number, and one less than the most that its first part may have.
const DIGITS: std::ops::Range<u32> = 20..37;
/// How far below a power of ten the numbers begin.
const BELOW: u128 = 60;

/// The numbers of one shard.
#[derive(Clone, Debug)]
pub struct Digits {
    last: u128,
    /// More digits, the same for every number of a stream: 128 bits hold 38.
    tail: &'static str,
}

impl Digits {
    /// The numbers of a stream's first shard.
    pub fn new(rng: &mut StdRng) -> Self {
        let tail = ["", "4", "07"][rng.random_range(0..3)];
        Self { last: 0, tail }.beside(rng)
    }

    /// The numbers of another shard that has no parent.
    pub fn beside(&self, rng: &mut StdRng) -> Self {
        let power = 10_u128.pow(rng.random_range(DIGITS) + 1);
        Self { last: power - rng.random_range(1..BELOW), tail: self.tail }
    }

    /// The numbers of a child: all greater than its parent's, sometimes by far.
    pub fn child(&self, rng: &mut StdRng) -> Self {
        let grown =
            self.last.checked_mul(10).filter(|last| *last < 10_u128.pow(38) && rng.random_ratio(1, 4));
        Self { last: grown.unwrap_or(self.last), tail: self.tail }
    }

    /// The next number.
    pub fn next(&mut self, rng: &mut StdRng) -> String {
        let leap = if rng.random_ratio(1, 20) { 1_000_000 } else { 12 };
        self.last += rng.random_range(1..leap);
        format!("{}{}", self.last, self.tail)
    }
}
