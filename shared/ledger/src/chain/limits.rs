//! Sizes and times that the protocol relies on.

use chrono::NaiveTime;

use super::ids::{Family, PageId};
use super::page::Page;
use crate::period::Day;

/// Seconds since 1970, or a number of seconds.
pub type Seconds = i64;

/// How large pages get. A write costs a unit for every kilobyte that the whole item has afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a page without deltas.
    pub overhead: usize,
    /// Bytes that each delta takes in addition to its own.
    pub per_delta: usize,
    /// Bytes that a unit pays for.
    pub unit: usize,
    /// The most bytes of a page of each family, unless a single delta is larger.
    pub page: [usize; Family::ALL.len()],
    /// A delta above this many bytes is split: agents' rows go to a chain of their own.
    pub split: usize,
    /// A delta above this many bytes is written as several.
    pub delta: usize,
}

impl Limits {
    /// The sizes in use.
    pub const PRODUCTION: Self =
        Self { overhead: 92, per_delta: 1, unit: 1024, page: [4096, 8192], split: 900, delta: 200 << 10 };

    const fn units(&self, bytes: usize) -> usize {
        if bytes <= self.unit { 1 } else { bytes.div_ceil(self.unit) }
    }

    /// Whether a page that has `size` bytes is to be closed, because another delta of `delta` bytes would cost more in it
    /// than in a page of its own.
    pub const fn is_full(&self, family: Family, size: usize, delta: usize) -> bool {
        let next = size + delta + self.per_delta;
        let alone = self.overhead + delta + self.per_delta;
        self.units(next) > self.units(alone) || next > self.page[family as usize]
    }
}

/// How long things take at most, and how long others wait for that.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A writer reads the tail of a chain again if it knows it for longer than this.
    pub tail_age: Seconds,
    /// A page is deleted this long after every pack was found to cover it: longer than `tail_age` and the run time of
    /// the aggregator together, and longer than the run time of a compaction.
    pub delete_after: Seconds,
    /// No record is added that arrived longer ago than this. Longer than the stream keeps records, so that none is this old
    /// unless something stood still.
    pub late: Seconds,
    /// No reader takes longer.
    pub reader: Seconds,
    /// The last page of a chain expires this long after the end of the date of arrival. Longer than `late`, `tail_age` and
    /// the run time of the aggregator together.
    pub expire_after: Seconds,
}

impl Timing {
    /// Whether nothing is appended to a page any more: it is closed, or its chain has ended.
    pub fn is_final<M, D>(&self, id: &PageId, page: &Page<M, D>, now: Seconds) -> bool {
        page.closed || now > self.expires(id.chain.arrival)
    }

    /// When the last page of a chain expires. From then on, a chain without a page stays without one.
    pub fn expires(&self, arrival: Day) -> Seconds {
        let end = arrival.next().date().and_time(NaiveTime::MIN).and_utc();
        end.timestamp() + self.expire_after
    }

    /// The times in use.
    pub const PRODUCTION: Self =
        Self { tail_age: 60, delete_after: 180, late: 30 * 3600, reader: 3600, expire_after: 36 * 3600 };
}
