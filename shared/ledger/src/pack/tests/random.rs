//! Reproducible random numbers.

use std::ops::Range;

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

    pub fn in_range(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.in_range(0..100) < percent
    }

    /// About `median`, log-normal: half and double of it are `doubling` thousandths of a standard deviation away.
    pub fn around(&mut self, median: u64, doubling: i64) -> u64 {
        // The sum of twelve uniform numbers is close to normal, in thousandths of a standard deviation.
        let sum: u64 = (0..12).map(|_| self.in_range(0..1000)).sum();
        let sixteenths = (i64::try_from(sum).unwrap() - 6000) * 16 / doubling;
        // 2^(n/16), in thousandths.
        let fraction =
            [1000, 1044, 1091, 1139, 1189, 1242, 1297, 1354, 1414, 1477, 1542, 1610, 1682, 1756, 1834, 1915];
        let shift = sixteenths.div_euclid(16);
        let scaled = median * fraction[usize::try_from(sixteenths.rem_euclid(16)).unwrap()];
        (if shift >= 0 { scaled << shift } else { scaled >> -shift }) / 1000
    }
}
