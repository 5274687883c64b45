//! Reproducible random numbers, and prices of calls that are made up.

#![allow(dead_code, reason = "not every test that includes this uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

/// `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// About normal, in thousandths of a standard deviation: the sum of twelve uniform numbers.
    pub fn normal(&mut self) -> i64 {
        let sum: u64 = (0..12).map(|_| self.next() % 1000).sum();
        i64::try_from(sum).unwrap() - 6000
    }

    pub fn uuid(&mut self) -> String {
        let hex = format!("{:016x}{:016x}", self.next(), self.next());
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}

/// `value`, doubled as many sixteenths of a time.
pub fn doubled(value: u64, sixteenths: i64) -> u64 {
    // 2^(n/16), in thousandths.
    const FRACTIONS: [u64; 16] =
        [1000, 1044, 1091, 1139, 1189, 1242, 1297, 1354, 1414, 1477, 1542, 1610, 1682, 1756, 1834, 1915];
    let shift = sixteenths.div_euclid(16);
    let scaled = value * FRACTIONS[usize::try_from(sixteenths.rem_euclid(16)).unwrap()];
    (if shift >= 0 { scaled << shift } else { scaled >> -shift }) / 1000
}

/// Picodollars per token of input, output, cache reads and cache writes.
pub const PRICES: [[u64; 4]; 5] = [
    [3_000_000, 15_000_000, 300_000, 3_750_000],
    [800_000, 4_000_000, 80_000, 1_000_000],
    [250_000, 2_000_000, 25_000, 250_000],
    [1_250_000, 10_000_000, 125_000, 0],
    [150_000, 600_000, 75_000, 0],
];
