//! Reproducible random numbers.

use std::ops::Range;

#[path = "../../../tests/support/sampling.rs"]
mod sampling;

pub use sampling::{PRICES, Random};

impl Random {
    pub fn in_range(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.in_range(0..100) < percent
    }

    /// About `median`, log-normal: half and double of it are `doubling` thousandths of a standard deviation away.
    pub fn around(&mut self, median: u64, doubling: i64) -> u64 {
        let sixteenths = self.normal() * 16 / doubling;
        sampling::doubled(median, sixteenths)
    }
}
