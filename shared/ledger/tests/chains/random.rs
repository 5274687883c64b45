//! Reproducible random numbers.

use std::ops::Range;

#[path = "../support/sampling.rs"]
mod sampling;

pub use sampling::Random;

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    pub fn in_range(&mut self, range: Range<i64>) -> i64 {
        let length = usize::try_from(range.end - range.start).unwrap_or_default();
        range.start + i64::try_from(self.below(length)).unwrap_or_default()
    }

    /// True in so many of a thousand cases.
    pub fn permille(&mut self, permille: usize) -> bool {
        self.below(1000) < permille
    }

    pub fn choose<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.below(i + 1));
        }
    }
}
