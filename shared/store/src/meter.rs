//! What the store's calls cost, as DynamoDB itself says it.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Counts round trips and capacity units.
#[derive(Debug, Default)]
pub struct Meter {
    reads: AtomicU64,
    writes: AtomicU64,
    half_read_units: AtomicU64,
    half_write_units: AtomicU64,
}

/// What was used up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Round trips that read.
    pub reads: u64,
    /// Round trips that wrote.
    pub writes: u64,
    /// Read units, in halves: an eventually consistent read of 4 KiB is one half.
    pub half_read_units: u64,
    /// Write units, in halves, as the read units.
    pub half_write_units: u64,
}

impl Reading {
    /// What was used between an earlier reading and this one.
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

    /// What has been used so far.
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

/// The SDK gives units as a float; halves of a unit are exact in it.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not money"
)]
fn halves(capacity: Option<&ConsumedCapacity>) -> u64 {
    let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
    (units * 2.0).round() as u64
}
