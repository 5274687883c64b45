//! What the store's calls cost, as DynamoDB reports it.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Counts round trips and capacity units. Writes count whether or not they succeed, reads only if they do.
#[derive(Debug, Default)]
pub struct Meter {
    reads: AtomicU64,
    writes: AtomicU64,
    half_read_units: AtomicU64,
    half_write_units: AtomicU64,
}

/// The meter's counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Read round trips.
    pub reads: u64,
    /// Write round trips.
    pub writes: u64,
    /// Read units, in halves: an eventually consistent read of 4 KiB is one half.
    pub half_read_units: u64,
    /// Write units, in halves like the read units.
    pub half_write_units: u64,
}

impl Reading {
    /// The counts between an earlier reading and this one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            writes: self.writes - earlier.writes,
            half_read_units: self.half_read_units - earlier.half_read_units,
            half_write_units: self.half_write_units - earlier.half_write_units,
        }
    }
}

impl Meter {
    pub(crate) fn read(&self, capacity: Option<&ConsumedCapacity>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.half_read_units.fetch_add(halves(capacity), Ordering::Relaxed);
    }

    pub(crate) fn write<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let units = capacity.into_iter().map(|capacity| halves(Some(capacity))).sum();
        self.half_write_units.fetch_add(units, Ordering::Relaxed);
    }

    /// The counts so far.
    pub fn reading(&self) -> Reading {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            reads: get(&self.reads),
            writes: get(&self.writes),
            half_read_units: get(&self.half_read_units),
            half_write_units: get(&self.half_write_units),
        }
    }
}

/// The SDK reports units as a float, in which halves are exact.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not money"
)]
pub fn halves(capacity: Option<&ConsumedCapacity>) -> u64 {
    let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
    (units * 2.0).round() as u64
}
